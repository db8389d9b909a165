"""A remote whose configuration would send to whoever answers is refused."""

import configparser
import re
from collections.abc import Mapping

from workers.harness import Misconfigured
from workers.jobs.remote.calling import Caller

_UNCHECKED = re.compile(r"(override|global)\.no_check_certificate")
_OTHER = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.+@-]*):")
_POINT_ON = ("remote", "upstreams")  # how one remote stands on others (alias, crypt, union)


def check_trust(caller: Caller, environ: Mapping[str, str]) -> None:
    """Raises Misconfigured where the check of certificates is switched off for the remote or for what it stands on.

    rclone takes that word from its configuration file even against the flag.
    """
    name = caller.address.text.partition(":")[0]
    if not name or f"RCLONE_CONFIG_{name.upper()}_TYPE" in environ:
        return  # made of variables: no such word can be said there
    found = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        found.read_string(caller.configuration().decode("utf-8", "replace"))
    except configparser.Error:
        return  # no configuration: the first call says what is missing
    for section in sorted(_reached(found, name)):
        for key, value in found.items(section):
            if _UNCHECKED.fullmatch(key) and (value or "").strip().lower() in ("true", "1", "t"):
                raise Misconfigured(
                    f"rclone's configuration of {section!r} has {key} = {value}: nothing is sent to an endpoint "
                    "that need not prove who it is; take it out, and give its authority as RCLONE_CA_CERT"
                )


def _reached(found: configparser.RawConfigParser, name: str) -> set[str]:
    """The remote and all it stands on."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        section = waiting.pop()
        if section in seen or not found.has_section(section):
            continue
        seen.add(section)
        for key in _POINT_ON:
            waiting += _OTHER.findall(found.get(section, key, fallback="") or "")
    return seen
