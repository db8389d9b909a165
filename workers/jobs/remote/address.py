"""Where a backup goes: `remote:bucket/prefix`, checked before it becomes part of a command."""

import re
from dataclasses import dataclass

from workers.harness import Misconfigured

_REMOTE = re.compile(r"(?P<name>:[a-z0-9]+|[A-Za-z0-9_][A-Za-z0-9_.+@-]*):(?P<path>[^:]*)")
_HINT = "wanted: NAME:bucket/prefix with a remote of rclone's configuration, or :s3:bucket/prefix"


@dataclass(frozen=True)
class Address:
    """A place at a remote. ``text`` has no slash at its end."""

    text: str

    def folder(self, *parts: str) -> str:
        """The operand for a folder. The slash spares rclone the question whether it is an object, whose
        answer hides why a store refuses."""
        return "/".join([self.text, *parts]) + "/"

    def object(self, *parts: str) -> str:
        """The operand for one object."""
        return "/".join([self.text, *parts])


def parse(text: str, place: str = "options.remote") -> Address:
    """Raises Misconfigured: no option, no parameters (they would stand in the list of processes), a bucket."""
    if "," in text:
        raise Misconfigured(
            f"{place}: parameters do not belong into the remote: every process here could read them; "
            "put them into rclone's configuration file or into RCLONE_CONFIG_… variables"
        )
    found = _REMOTE.fullmatch(text)
    if found is None or any(not c.isprintable() for c in text):
        raise Misconfigured(f"{place}: {text!r} is no remote; {_HINT}")
    path = found["path"].strip("/")
    steps = path.split("/")
    if any(step in ("", ".", "..") or step.startswith("-") for step in steps):
        raise Misconfigured(
            f"{place}: {text!r} names no bucket or folder fit for a backup; {_HINT}"
        )
    rooted = "/" if found["path"].startswith("/") else ""
    return Address(f"{found['name']}:{rooted}{path}")
