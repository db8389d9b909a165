"""Our own known_hosts file: what a person trusted, and the keys a trusted server announced.

The user's files are never written.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from console.channels.ssh.known_hosts import KnownHosts, Standing, parse_line
from console.errors import Refused
from console.fleet.model import HostKey


class OwnKnownHosts:
    """The file at `path`: 0600, replaced whole at each change, never half written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def trust(self, host_key: HostKey, known: KnownHosts, shown: str | None = None) -> None:
        """Writes the key a person compared. `shown` is the fingerprint they named, if they named one.

        Raises Refused when it is not that key, or when it is blocked.
        """
        entry = parse_line(host_key.line, "")
        if entry is None or entry.marker or entry.hosts != host_key.name:
            raise Refused(f"{host_key.name}: this is no host key line")
        if entry.fingerprint != host_key.fingerprint:
            raise Refused(f"{host_key.name}: the key is not the one whose fingerprint was shown")
        if shown is not None and shown != host_key.fingerprint:
            raise Refused(
                f"{host_key.name}: the server's key is {host_key.fingerprint}, not {shown}; "
                "nothing was trusted"
            )
        verdict = known.judge(host_key.name, entry.blob)
        if verdict.standing is Standing.TRUSTED:
            return
        if verdict.standing is not Standing.UNKNOWN or host_key.known_fingerprints:
            places = ", ".join(entry.where for entry in verdict.entries) or "known_hosts"
            raise Refused(f"{host_key.name}: the key is {verdict.standing.value} ({places})")
        self.change(lambda lines: [*lines, host_key.line])

    def rotate(self, name: str, added: Sequence[str], removed: Sequence[bytes]) -> None:
        """Takes over what a server whose key is trusted proved to have, and drops what it gave up."""

        def rotated(lines: list[str]) -> list[str]:
            kept = []
            for line in lines:
                entry = parse_line(line, "")
                ours = entry is not None and entry.hosts == name and not entry.marker
                if not (ours and entry is not None and entry.blob in removed):
                    kept.append(line)
            return [*kept, *(line for line in added if line not in kept)]

        self.change(rotated)

    def change(self, edit: Callable[[list[str]], list[str]]) -> None:
        """Replaces the lines by `edit(lines)`; two consoles do not lose each other's."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self.path.parent):
            try:
                before = self.path.read_text(encoding="utf-8").splitlines()
            except FileNotFoundError:
                before = []
            after = edit(before)
            if after != before:
                self._replace("".join(f"{line}\n" for line in after))

    def _replace(self, text: str) -> None:
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:
            os.unlink(name)
            raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
