"""Files copied, read, written and proven. Runs on either side of WSL: of ours it imports only the tree."""

import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import (
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Type,
)

from workers.jobs.train.tree import PART, Entry

PIECE = 1 << 20
WIDTH = 8  # files under way at once: of a network mount one waits for each
_CHUNK = 32  # files that a thread takes at a time
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)

Told = Callable[[int, int], None]
"""Is told of files and bytes since it was told last; raises to end the work."""


class Changed(Exception):
    """A file was not the one that was listed; the text is its name."""


def inside(root: str, name: str) -> str:
    """The path of a name below ``root``. Raises ValueError for one that would lead out of it."""
    parts = name.split("/")
    odd = not name or "\0" in name or any(part in ("", ".", "..") for part in parts)
    if odd or (os.sep == "\\" and any(c in name for c in "\\:")):
        raise ValueError(f"{name!r} is no name of a file below a folder")
    return os.path.join(root, *parts)


class Arrival:
    """A file that is there whole or not at all. ``durable``: on the disk before its name is."""

    def __init__(self, root: str, name: str, durable: bool = False) -> None:
        self._path = inside(root, name)
        self._durable = durable
        folder, base = os.path.split(self._path)
        # Long names leave no room for a prefix.
        self._part = os.path.join(folder, PART + hashlib.blake2b(base.encode(errors="surrogateescape"), digest_size=8).hexdigest())  # fmt: skip
        try:
            self.descriptor = os.open(self._part, _WRITE, 0o600)
        except OSError as error:
            if isinstance(error, FileExistsError):  # of a run that was killed
                os.unlink(self._part)
            os.makedirs(folder, exist_ok=True)
            self.descriptor = os.open(self._part, _WRITE, 0o600)

    def __enter__(self) -> "Arrival":
        return self

    def finish(self, entry: Entry) -> None:
        """Gives it its times, its rights and its name."""
        if self._durable:
            os.fsync(self.descriptor)
        os.close(self.descriptor)
        self.descriptor = -1
        os.chmod(self._part, entry.mode & 0o777 | 0o600)
        os.utime(self._part, ns=(entry.mtime_ns, entry.mtime_ns))
        os.replace(self._part, self._path)

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            os.unlink(self._part)


def copy(
    source: str, target: str, entries: Mapping[str, Entry], told: Told, durable: bool = False
) -> List[str]:
    """Copies the files named, several at once; the names of those that changed meanwhile. Raises OSError."""
    names = list(entries)
    chunks = [names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)]

    def some(chunk: Sequence[str]) -> Tuple[List[str], int]:
        bad, size = [], 0
        for name in chunk:
            try:
                size += _copy_one(source, target, name, entries[name], durable)
            except (Changed, FileNotFoundError):
                bad.append(name)
        return bad, size

    failed: List[str] = []
    with ThreadPoolExecutor(WIDTH) as pool:
        try:
            for chunk, (bad, size) in zip(chunks, pool.map(some, chunks), strict=True):
                failed += bad
                told(len(chunk) - len(bad), size)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failed


def pieces(
    root: str, entries: Mapping[str, Entry]
) -> Iterator[Tuple[str, Optional[Entry], bytes, bool]]:
    """(name, entry, bytes, more) of each file, small ones read ahead by several threads. A file that changed
    has the entry None. Raises OSError."""
    small = [name for name, entry in entries.items() if entry.size <= PIECE]
    with ThreadPoolExecutor(WIDTH) as pool:
        ahead = (small[start : start + 256] for start in range(0, len(small), 256))
        for names in ahead:
            read = pool.map(lambda n: _whole(root, n, entries[n]), names)
            for name, data in zip(names, read, strict=True):
                yield name, None if data is None else entries[name], data or b"", False
    for name, entry in entries.items():
        if entry.size > PIECE:
            yield from _large(root, name, entry)


def digests(root: str, names: Iterable[str]) -> Dict[str, str]:
    """blake2b-128 of each file. Raises OSError."""
    found = {}
    for name in names:
        digest = hashlib.blake2b(digest_size=16)
        with open(os.open(inside(root, name), _READ), "rb", buffering=0) as file:
            while data := file.read(PIECE):
                digest.update(data)
        found[name] = digest.hexdigest()
    return found


def link(root: str, links: Mapping[str, str]) -> None:
    """Makes links anew. Raises OSError."""
    for name, target in links.items():
        path = inside(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(target, path)


def remove(root: str, names: Iterable[str]) -> None:
    """Removes files, and the folders that are empty then. Raises OSError."""
    folders = set()
    for name in names:
        os.unlink(inside(root, name))
        folders.add(os.path.dirname(name))
    for folder in sorted(folders, key=len, reverse=True):
        while folder:
            try:
                os.rmdir(inside(root, folder))
            except OSError:  # something is in it
                break
            folder = os.path.dirname(folder)


def adopt(staging: str, root: str, names: Iterable[str]) -> None:
    """Gives files of a folder beside their names in ``root``, and removes that folder. Raises OSError."""
    folders = {root}
    for name in names:
        path = inside(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.replace(inside(staging, name), path)
        folders.add(os.path.dirname(path))
    for folder in folders if hasattr(os, "O_DIRECTORY") else ():
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    discard(staging)


def discard(folder: str) -> None:
    """Removes a folder of ours with all that is in it, without following a link. One that is not there is fine."""
    for place, folders, names in os.walk(folder, topdown=False):
        for name in names:
            os.unlink(os.path.join(place, name))
        for name in folders:
            path = os.path.join(place, name)
            (os.unlink if os.path.islink(path) else os.rmdir)(path)
    if os.path.isdir(folder):
        os.rmdir(folder)


def _copy_one(source: str, target: str, name: str, entry: Entry, durable: bool) -> int:
    descriptor = os.open(inside(source, name), _READ)
    try:
        _must_be(name, entry, os.fstat(descriptor))
        with Arrival(target, name, durable) as arrival:
            _pour(descriptor, arrival.descriptor, entry.size)
            _must_be(name, entry, os.fstat(descriptor))
            if os.fstat(arrival.descriptor).st_size != entry.size:
                raise Changed(name)
            arrival.finish(entry)
    finally:
        os.close(descriptor)
    return entry.size


def _pour(source: int, target: int, size: int) -> None:
    while size > 0:
        data = os.read(source, min(size, PIECE))
        if not data:
            return
        size -= len(data)
        write_all(target, data)


def write_all(descriptor: int, data: bytes) -> None:
    """Raises OSError where the disk refuses."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _must_be(name: str, entry: Entry, found: os.stat_result) -> None:
    same = (found.st_size, found.st_mtime_ns) == entry[:2] and stat.S_ISREG(found.st_mode)
    if not same:
        raise Changed(name)


def _whole(root: str, name: str, entry: Entry) -> Optional[bytes]:
    """None where it is not the file that was listed."""
    try:
        with open(os.open(inside(root, name), _READ), "rb", buffering=0) as file:
            data = file.read(entry.size + 1) if entry.size else b""
            _must_be(name, entry, os.fstat(file.fileno()))
    except (Changed, FileNotFoundError):
        return None
    return data if len(data) == entry.size else None


def _large(
    root: str, name: str, entry: Entry
) -> Iterator[Tuple[str, Optional[Entry], bytes, bool]]:
    left = entry.size
    try:
        with open(os.open(inside(root, name), _READ), "rb", buffering=0) as file:
            _must_be(name, entry, os.fstat(file.fileno()))
            while left > PIECE and (data := file.read(PIECE)):
                left -= len(data)
                yield name, entry, data, True
            last = file.read(left + 1)
            _must_be(name, entry, os.fstat(file.fileno()))
    except (Changed, FileNotFoundError):
        yield name, None, b"", False
        return
    yield name, entry if len(last) == left else None, last, False
