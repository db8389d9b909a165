"""Manifests: files of sealed lines at a destination, only ever appended to.

``D/<dataset>/.quarterdeck/{synced,aggregated,backed_up}.jsonl``. Many may read while one appends; two that
append take turns (``flock``). A line that is torn or flipped is named, skipped and never believed; a last
line without its newline is one that is being written, or was when its writer died.

Standard library only, Python 3.9.
"""

import fcntl
import os
import stat
import sys
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

from workers.ledger.shapes import KINDS, MAX_LINE_BYTES, Damaged, Entry, decode, encode

FOLDER = ".quarterdeck"
NAMED = 20  # damaged lines that are told; the rest is a number
_PIECE_BYTES = 256 * 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


class Reading(NamedTuple):
    """What a look at a manifest brought: ``entries, offset, damaged = manifest.read(offset)``."""

    entries: Tuple[Any, ...]
    offset: int  # behind the last whole line: where the next look begins
    damaged: Tuple[str, ...]  # "the line at byte 812: the checksum does not fit"


class Page(NamedTuple):
    """A part of a manifest. ``more``: ask again from ``offset``."""

    entries: Tuple[Any, ...] = ()
    lines: Tuple[str, ...] = ()  # of these entries, as they are written
    offset: int = 0
    damaged: Tuple[str, ...] = ()
    more: bool = False
    exists: bool = False


class ManifestReplaced(OSError):
    """It is shorter than what was read of it before: another file, or a restored one. Read it from 0."""


def folder_of(destination: str, dataset: str) -> str:
    """Where the manifests of a dataset lie."""
    return os.path.join(destination, dataset, FOLDER)


def paths(destination: str, dataset: str) -> Dict[str, str]:
    """Kind → path of each manifest of a dataset."""
    folder = folder_of(destination, dataset)
    return {kind: os.path.join(folder, kind + ".jsonl") for kind in KINDS}


class Manifest:
    """One manifest. ``kind``: synced, aggregated or backed_up. The folder is made with the first entry."""

    def __init__(self, folder: str, kind: str) -> None:
        if kind not in KINDS:
            raise ValueError(f"manifest {kind!r}: not one of {', '.join(KINDS)}")
        self.kind = kind
        self.folder = folder
        self.path = os.path.join(folder, kind + ".jsonl")

    def read(self, offset: int = 0) -> Reading:
        """The entries of the whole lines from ``offset`` on; none where there is no file.

        Raises ManifestReplaced where the file ends before ``offset``, OSError where it cannot be read.
        """
        page = self.page(offset, sys.maxsize)
        return Reading(page.entries, page.offset, page.damaged)

    def page(self, offset: int, limit_bytes: int) -> Page:
        """As ``read``, but ends after about so many bytes."""
        try:
            file = os.open(self.path, _READ)
        except FileNotFoundError:
            if offset:
                raise ManifestReplaced(0, "the manifest is gone", self.path) from None
            return Page()
        try:
            return self._read(file, offset, limit_bytes)
        except OSError as error:
            error.filename = error.filename or self.path
            raise
        finally:
            os.close(file)

    def append(self, entries: Sequence[Entry]) -> None:
        """Adds entries durably, all of them or none. Raises OSError (the file is as before), ValueError."""
        data = b"".join(map(encode, entries))
        if any(type(entry) is not KINDS[self.kind] for entry in entries):
            raise ValueError(f"an entry that is none of {self.kind}")
        if not data:
            return
        self._make_folder()
        file = os.open(self.path, _APPEND, 0o644)
        try:
            self._plain(file)
            fcntl.flock(file, fcntl.LOCK_EX)
            self._add(file, data)
        except OSError as error:
            error.filename = error.filename or self.path
            raise
        finally:
            os.close(file)

    def _add(self, file: int, data: bytes) -> None:
        size = os.fstat(file).st_size
        torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        try:
            _write_all(file, b"\n" + data if torn else data)
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
        if size == 0:
            _sync(self.folder)

    def _read(self, file: int, offset: int, limit_bytes: int) -> Page:
        size = self._plain(file).st_size
        if size < offset:
            raise ManifestReplaced(0, "the manifest is shorter than it was", self.path)
        lines = _Lines(self.kind, offset)
        position = offset
        while position < size and (position - offset < limit_bytes or lines.offset == offset):
            piece = os.pread(file, min(_PIECE_BYTES, size - position), position)
            if not piece:
                break
            position += len(piece)
            lines.feed(piece)
        return lines.page(more=position < size)

    def _plain(self, file: int) -> os.stat_result:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "the manifest is not a regular file", self.path)
        return status

    def _make_folder(self) -> None:
        if os.path.isdir(self.folder):
            return
        os.makedirs(self.folder, exist_ok=True)
        folder = self.folder
        for _ in range(3):  # itself, the dataset, the destination: no more are ours to make
            folder = os.path.dirname(folder)
            _sync(folder)


class _Lines:
    """Cuts pieces into lines and lines into entries. ``offset`` is behind the last whole line."""

    def __init__(self, kind: str, offset: int) -> None:
        self.offset = offset
        self._kind = kind
        self._rest = b""
        self._dropped = 0  # bytes of a line that is too long to be one
        self._entries: List[Entry] = []
        self._lines: List[str] = []
        self._damaged: List[str] = []
        self._more = 0

    def feed(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._take(line)
            self.offset += self._dropped + len(line) + 1
            self._dropped = 0
        if len(self._rest) > MAX_LINE_BYTES:
            self._dropped, self._rest = self._dropped + len(self._rest), b""

    def page(self, more: bool) -> Page:
        if self._more:
            self._damaged.append(f"and {self._more} more damaged lines")
        entries, lines = tuple(self._entries), tuple(self._lines)
        return Page(entries, lines, self.offset, tuple(self._damaged), more, exists=True)

    def _take(self, line: bytes) -> None:
        try:
            if self._dropped or len(line) > MAX_LINE_BYTES:
                raise Damaged(f"{self._dropped + len(line)} bytes in one line")
            self._entries.append(decode(self._kind, line))
            self._lines.append(line.decode("ascii"))
        except Damaged as fault:
            if len(self._damaged) < NAMED:
                self._damaged.append(f"the line at byte {self.offset}: {fault}")
            else:
                self._more += 1


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync(folder: str) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
