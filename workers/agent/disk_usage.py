"""What fills a disk: a walk that stays on one file system and ends with its budget."""

import os
import time
from typing import Dict, List, Optional, Set, Tuple

from workers.protocol import DiskEntry, DiskExplanation, ExplainDisk

_SHOWN = 40
_BLOCK_BYTES = 512  # of st_blocks, on every system; see stat(3type)
_LARGE_FILE_SHARE = 20  # a file is named by itself from a twentieth of the whole
_DOMINANT = 0.8  # of a directory's bytes in one child: the child says more
_LONGEST_BUDGET_S = 120.0


def explain(request: ExplainDisk, root: str = "") -> DiskExplanation:
    """The largest directories and files under a path, bytes as allocated on disk.

    A relative path starts at ``root`` ("" is the home directory), ``~`` is expanded.
    Symbolic links are not followed, other file systems not entered, a file with several names
    counts once. Raises OSError when the path itself cannot be read.
    """
    path = os.path.join(os.path.expanduser(root or "~"), os.path.expanduser(request.path))
    walk = _Walk(path, min(max(0.0, request.budget_s), _LONGEST_BUDGET_S))
    walk.run()
    return DiskExplanation(
        path=request.path,
        entries=walk.largest(),
        files=walk.files,
        elapsed_s=walk.elapsed_s,
        complete=walk.complete,
        unreadable=walk.unreadable,
        deleted_open_bytes=deleted_open_bytes(walk.device),
    )


class _Folder:
    """A directory and the sums of everything below it."""

    __slots__ = ("bytes", "files", "own_bytes", "parent", "path")

    def __init__(self, path: str, parent: "Optional[_Folder]") -> None:
        self.path = path
        self.parent = parent
        self.own_bytes = 0
        self.bytes = 0
        self.files = 0


class _Walk:
    """Breadth first, so that a walk cut short has seen something of every branch."""

    def __init__(self, path: str, budget_s: float) -> None:
        self._top = _Folder(path, None)
        self._folders = [self._top]
        self._large: List[Tuple[int, str]] = []
        self._linked: Set[int] = set()
        self._started = time.monotonic()
        self._until = self._started + budget_s
        self.device = os.stat(path).st_dev
        os.scandir(path).close()
        self.files = 0
        self.unreadable = 0
        self.complete = True

    def run(self) -> None:
        """Walks until done or out of time, then sums up."""
        position = 0
        while position < len(self._folders):
            if time.monotonic() > self._until:
                self.complete = False
                break
            self._read(self._folders[position])
            position += 1
        for folder in reversed(self._folders):
            folder.bytes += folder.own_bytes
            if folder.parent is not None:
                folder.parent.bytes += folder.bytes
                folder.parent.files += folder.files

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started

    def largest(self) -> Tuple[DiskEntry, ...]:
        """The entries that say most, largest first: a directory with nearly everything in one
        child gives way to the child."""
        biggest_child: Dict[_Folder, int] = {}
        for folder in self._folders[1:]:
            parent = folder.parent
            if parent is not None:
                biggest_child[parent] = max(biggest_child.get(parent, 0), folder.bytes)
        whole = max(1, self._top.bytes)
        entries = [
            DiskEntry(folder.path, folder.bytes, folder.files)
            for folder in self._folders[1:]
            if folder.bytes > 0 and biggest_child.get(folder, 0) < _DOMINANT * folder.bytes
        ]
        entries += [
            DiskEntry(path, size, 1)
            for size, path in self._large
            if size * _LARGE_FILE_SHARE >= whole
        ]
        entries.sort(key=lambda entry: (-entry.bytes, entry.path))
        return tuple(entries[:_SHOWN])

    def _read(self, folder: _Folder) -> None:
        try:
            with os.scandir(folder.path) as listing:
                for entry in listing:
                    self._add(folder, entry)
                    # One directory may hold millions of files.
                    if self.files % 4096 == 0 and time.monotonic() > self._until:
                        self.complete = False
                        return
        except OSError:
            self.unreadable += 1

    def _add(self, folder: _Folder, entry: "os.DirEntry[str]") -> None:
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError:
            self.unreadable += 1
            return
        if entry.is_dir(follow_symlinks=False):
            if facts.st_dev == self.device:
                below = _Folder(entry.path, folder)
                below.own_bytes = facts.st_blocks * _BLOCK_BYTES
                self._folders.append(below)
            return
        self.files += 1
        folder.files += 1
        if facts.st_nlink > 1:
            if facts.st_ino in self._linked:
                return
            self._linked.add(facts.st_ino)
        size = facts.st_blocks * _BLOCK_BYTES
        folder.own_bytes += size
        self._note_large(size, entry.path)

    def _note_large(self, size: int, path: str) -> None:
        if len(self._large) < _SHOWN or size > self._large[-1][0]:
            self._large.append((size, path))
            self._large.sort(reverse=True)
            del self._large[_SHOWN:]


def deleted_open_bytes(device: int, proc: str = "/proc") -> Optional[int]:
    """Bytes of deleted files on this device that processes still hold open; of those processes
    that this user may look into. None where none of another process can be seen."""
    held: Dict[int, int] = {}
    looked = False
    try:
        pids = [name for name in os.listdir(proc) if name.isdigit()]
    except OSError:
        return None
    for pid in pids:
        folder = f"{proc}/{pid}/fd"
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        looked = True
        for name in names:
            _note_deleted(f"{folder}/{name}", device, held)
    return sum(held.values()) if looked else None


def _note_deleted(link: str, device: int, held: Dict[int, int]) -> None:
    try:
        if not os.readlink(link).endswith(" (deleted)"):
            return
        facts = os.stat(link)
    except OSError:
        return
    if facts.st_dev == device and facts.st_nlink == 0:
        held[facts.st_ino] = facts.st_blocks * _BLOCK_BYTES
