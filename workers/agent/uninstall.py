"""What the agent keeps on its node: lists it, and removes it when told to.

Only files that agents made, by their names, in folders of our own that are no links. The folders go when
they are empty; whatever else lies there is left and named.
"""

import os
import stat
from typing import Any, List, Optional, Tuple

from workers.agent.identity import node_key
from workers.protocol import Failure, Uninstall, UninstallReport

_AGENTS = ("agent-", ".agent-")
_CODE = ("workers-", ".workers-")
_COUNTS = ("counts-", ".counts-", "start.lock")
_RUNS = ("runs", "kept")  # folders of the runs, removed by who knows them


def uninstall(message: Uninstall, state_directory: Optional[str]) -> Any:
    """``UninstallReport``: looks, and removes where the message confirms it; a Failure while runs live.

    Raises OSError where even a look fails.
    """
    if state_directory is None:
        return UninstallReport(removed=message.confirm)
    own = os.path.join(state_directory, "nodes", node_key(os.uname().nodename))
    sweep = _Sweep(message.confirm)
    if os.path.isdir(os.path.join(own, _RUNS[0])):
        refusal = _sweep_runs(own, sweep)
        if refusal is not None:
            return refusal
    sweep.folder(os.path.join(state_directory, "agents"), _AGENTS)
    sweep.folder(os.path.join(state_directory, "code"), _CODE)
    sweep.folder(own, _COUNTS)
    if message.confirm:
        sweep.drop(os.path.dirname(own))
        sweep.drop(state_directory)
    return UninstallReport(tuple(sweep.paths), sweep.bytes, message.confirm, tuple(sweep.kept))


def _sweep_runs(own: str, sweep: "_Sweep") -> Optional[Failure]:
    from workers.agent.workers import removing

    alive = removing.living(own)
    if alive:
        names = ", ".join(alive[:10]) + (f" and {len(alive) - 10} more" if len(alive) > 10 else "")
        return Failure(
            "refused", f"workers live on this node: {names}; stop them first. Nothing was removed."
        )
    found = removing.remove_ended(own, sweep.confirm)
    sweep.paths += found.paths
    sweep.kept += found.kept
    sweep.bytes += found.bytes
    return None


class _Sweep:
    """One walk over our folders."""

    def __init__(self, confirm: bool) -> None:
        self.paths: List[str] = []
        self.kept: List[str] = []
        self.bytes = 0
        self.confirm = confirm

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
        if self.confirm:
            self.drop(path)

    def _file(self, directory: int, path: str, name: str, prefixes: Tuple[str, ...]) -> None:
        full = os.path.join(path, name)
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if name in _RUNS and stat.S_ISDIR(found.st_mode):
            return
        if not name.startswith(prefixes) or not stat.S_ISREG(found.st_mode):
            self.kept.append(f"{full}: not made by an agent")
            return
        if self.confirm:
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
