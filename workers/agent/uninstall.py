"""What the agent keeps on its node: lists it, and removes it when told to.

Only files that agents made, by their names, in folders of our own that are no links. The folders go when
they are empty; whatever else lies there is left and named.
"""

import os
import stat
from typing import List, Optional, Tuple

from workers.agent.identity import node_key
from workers.protocol import Uninstall, UninstallReport

_AGENTS = ("agent-", ".agent-")
_COUNTS = ("counts-", ".counts-")


def uninstall(message: Uninstall, state_directory: Optional[str]) -> UninstallReport:
    """Looks, and removes where the message confirms it. Raises OSError where even a look fails."""
    if state_directory is None:
        return UninstallReport(removed=message.confirm)
    own = os.path.join(state_directory, "nodes", node_key(os.uname().nodename))
    sweep = _Sweep(message.confirm)
    sweep.folder(os.path.join(state_directory, "agents"), _AGENTS)
    sweep.folder(own, _COUNTS)
    if message.confirm:
        sweep.drop(os.path.dirname(own))
        sweep.drop(state_directory)
    return UninstallReport(tuple(sweep.paths), sweep.bytes, message.confirm, tuple(sweep.kept))


class _Sweep:
    """One walk over our folders."""

    def __init__(self, confirm: bool) -> None:
        self.paths: List[str] = []
        self.kept: List[str] = []
        self.bytes = 0
        self._confirm = confirm

    def folder(self, path: str, prefixes: Tuple[str, ...]) -> None:
        """The files of ours in one folder, then the folder."""
        try:
            directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            for name in sorted(os.listdir(directory)):
                self._file(directory, path, name, prefixes)
        finally:
            os.close(directory)
        self.paths.append(path)
        if self._confirm:
            self.drop(path)

    def _file(self, directory: int, path: str, name: str, prefixes: Tuple[str, ...]) -> None:
        full = os.path.join(path, name)
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if not name.startswith(prefixes) or not stat.S_ISREG(found.st_mode):
            self.kept.append(f"{full}: not made by an agent")
            return
        if self._confirm:
            try:
                os.unlink(name, dir_fd=directory)
            except OSError as error:
                self.kept.append(f"{full}: {error.strerror}")
                return
        self.paths.append(full)
        self.bytes += found.st_size

    def drop(self, path: str) -> None:
        """Removes an empty folder; one that still holds something stays."""
        try:
            os.rmdir(path)
        except OSError:
            if path in self.paths:
                self.paths.remove(path)
