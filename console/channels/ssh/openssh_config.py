"""Reads ssh_config files as OpenSSH does, on top of asyncssh's parser.

asyncssh leaves three things to us: included files come in directory order (OpenSSH sorts them), the
system-wide file is not read, and some options are passed over without a word. Nothing here is handed to
asyncssh as "config": every option it gets is explicit (`options.py`).
"""

from __future__ import annotations

import glob
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asyncssh.config import ConfigParseError, SSHClientConfig, SSHConfig

from console.errors import SettingsError
from console.settings.ownership import check_folders

SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
_DEEPEST_INCLUDE = 16  # OpenSSH's limit


class OpenSshConfig(SSHClientConfig):
    """The options that hold for one host. Raises ConfigParseError with file and line."""

    _depth = 0

    def _include(self, option: str, args: list[str]) -> None:
        """Includes what the patterns match, sorted, without dot files, as glob(3) gives them."""
        path, line = self._path, self._line_no
        folder = (
            SYSTEM_CONFIG.parent if SYSTEM_CONFIG.parent in path.parents else self._default_path
        )
        if self._depth >= _DEEPEST_INCLUDE:
            raise ConfigParseError(f"{path} line {line}: too many nested Include")
        self._depth += 1
        for pattern in args:
            for name in sorted(glob.glob(str(folder / Path(pattern).expanduser()))):
                if os.path.isfile(name):
                    _check_owner(Path(name))
                    self.parse(Path(name))
        self._depth -= 1
        self._path, self._line_no, self._matching = path, line, True
        args.clear()

    _handlers = {  # noqa: RUF012 - as the base class has it
        **SSHClientConfig._handlers,
        "include": ("Include", _include),
        "revokedhostkeys": ("RevokedHostKeys", SSHConfig._set_string_list),
    }


def read(
    files: Sequence[Path], host: str, local_user: str, user: str | None, port: int | None
) -> OpenSshConfig:
    """The options for `ssh HOST`; runs what `Match exec` names and may ask the name server.

    Call it in a thread. Raises ConfigParseError, OSError (a file that cannot be read).
    """
    present = [path for path in files if path.exists()]
    for path in present:
        _check_owner(path)

    def load(name: str, canonical: bool, final: bool) -> OpenSshConfig:
        given: tuple[Any, Any] = (user or (), port or ())
        loaded = OpenSshConfig.load(
            None, present, False, canonical, final, local_user, given[0], name, given[1]
        )
        assert isinstance(loaded, OpenSshConfig)
        return loaded

    config = load(host, False, False)
    canonical = _canonical_name(config, host)
    if canonical or config.has_match_final():
        return load(canonical or host, bool(canonical), True)
    return config


def default_files(configured: Path | None) -> tuple[Path, ...]:
    """The files OpenSSH would read: one that is named replaces all, like `ssh -F`."""
    user = Path("~/.ssh/config").expanduser()
    if configured is None or configured.expanduser() == user:
        return (user, SYSTEM_CONFIG)
    return (configured.expanduser(),)


def _canonical_name(config: OpenSshConfig, host: str) -> str | None:
    """CanonicalizeHostname: the first domain under which the name is known."""
    dots: Any = config.get("CanonicalizeMaxDots", 1)
    if not config.get("CanonicalizeHostname") or host.count(".") > dots or ":" in host:
        return None
    domains: Any = config.get("CanonicalDomains", ())
    for domain in domains:
        try:
            socket.getaddrinfo(f"{host}.{domain}", None)
        except OSError:
            continue
        return f"{host}.{domain}"
    return None


def _check_owner(path: Path) -> None:
    """Refuses a file that others can write or replace: it can name programs to run."""
    status = path.stat()
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
        raise ConfigParseError(f"{path}: bad owner or permissions; others could change it")
    try:
        check_folders(path)
    except SettingsError as error:
        raise ConfigParseError(str(error)) from None
