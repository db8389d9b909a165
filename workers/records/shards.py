"""What is there, from names alone: a million games are counted by one listing."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from workers.records.disk import PIECE_BYTES
from workers.records.names import JOURNAL, OPEN, counted, parse_shard

_DEPTH = 6  # folders below the one that was asked for; links that lead in circles end


class Shard(NamedTuple):
    folder: str
    name: str
    records: int
    digest: str
    worker: str
    sequence: int

    @property
    def path(self) -> Path:
        return Path(self.folder, self.name)

    @property
    def key(self) -> str:
        """Its configuration: ``<board>_<n>p``."""
        return os.path.basename(os.path.dirname(self.folder))


class Count(NamedTuple):
    """Of everything below a folder."""

    records: int = 0
    """Games, sealed and open."""
    sealed: int = 0
    shards: int = 0
    journals: int = 0
    copies: int = 0
    """Shards that lie there a second time; they count once."""
    unreadable: tuple[str, ...] = ()
    """Paths with the reason. Unreadable is not empty."""


def list_shards(out: Path | str) -> list[Shard]:
    """Every shard below ``out`` once, oldest first: by sequence, then worker, then hash.

    ``out`` may be a whole output folder, one configuration, one day, or one shard; where it is missing
    there are none. Raises OSError for a folder that cannot be read.
    """
    found: dict[str, Shard] = {}
    for folder in _folders(out, _reraise):
        for entry in folder.files:
            name = parse_shard(entry.name)
            if name is not None:
                worker, sequence, records, digest = name
                found[digest] = Shard(folder.path, entry.name, records, digest, worker, sequence)
    return sorted(found.values(), key=lambda shard: (shard.sequence, shard.worker, shard.digest))


def count(out: Path | str, sizes: bool = False) -> Count:
    """Shards by their names, journals by their lines. While a shard takes its journal's place, its games may
    count twice. What cannot be read is named and never raised.

    ``sizes``: each shard is looked at as well, and one without a byte does not count.
    """
    digests: dict[str, int] = {}
    unreadable: list[str] = []
    lines = shards = journals = 0
    for folder in _folders(out, lambda error: unreadable.append(_words(error))):
        for entry in folder.files:
            shard = counted(entry.name)
            if shard is not None and sizes and _is_empty(entry):
                unreadable.append(f"{entry.path}: a shard without a byte")
            elif shard is not None:
                shards += 1
                digests[shard[1]] = shard[0]
            elif folder.is_open and entry.name.endswith(JOURNAL):
                journals += 1
                lines += _lines(entry.path, unreadable)
    sealed = sum(digests.values())
    copies = shards - len(digests)
    return Count(sealed + lines, sealed, shards, journals, copies, tuple(sorted(unreadable)))


def files_below(folder: Path | str) -> list[str]:
    """Every file that is not hidden. Raises OSError."""
    return [entry.path for found in _folders(folder, _reraise) for entry in found.files]


def configurations(
    out: Path | str, on_error: Callable[[OSError], None] | None = None
) -> list[Path]:
    """The folders below ``out``, or ``out`` itself, in which workers have written, sorted.

    Folders that cannot be read go to ``on_error``. Raises OSError without it.
    """
    folders = _folders(out, on_error or _reraise)
    return sorted(Path(folder.path).parent for folder in folders if folder.is_open)


class _Folder(NamedTuple):
    path: str
    files: list["os.DirEntry[str]"]

    @property
    def is_open(self) -> bool:
        return os.path.basename(self.path) == OPEN


def _folders(out: Path | str, on_error: Callable[[OSError], None]) -> Iterator[_Folder]:
    """``out`` and the folders below it, links followed, each once; one that is missing is none.

    Where ``out`` is a file, it stands alone in its folder.
    """
    if os.path.isfile(out):
        parent, name = os.path.split(os.path.abspath(out))
        with os.scandir(parent) as entries:
            yield _Folder(parent, [entry for entry in entries if entry.name == name])
        return
    seen: set[tuple[int, int]] = set()
    waiting = [(os.path.abspath(out), 0)]
    while waiting:
        path, depth = waiting.pop()
        try:
            status = os.stat(path)
            folders, files = _listing(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            on_error(error)
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        if depth < _DEPTH:
            waiting += ((name, depth + 1) for name in sorted(folders))
        yield _Folder(path, files)


def _listing(path: str) -> tuple[list[str], list["os.DirEntry[str]"]]:
    """Paths of folders, and files; nothing hidden. Raises OSError."""
    folders, files = [], []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name[0] == ".":
                continue
            if entry.is_dir():
                folders.append(entry.path)
            else:
                files.append(entry)
    return folders, files


def _is_empty(entry: "os.DirEntry[str]") -> bool:
    """False for one that is gone meanwhile: it was there when it was listed."""
    try:
        return entry.stat().st_size == 0
    except OSError:
        return False


def _lines(path: str, unreadable: list[str]) -> int:
    """Whole lines; 0, and a word in ``unreadable``, for a file that cannot be read."""
    lines = 0
    try:
        with open(path, "rb") as file:
            while piece := file.read(PIECE_BYTES):
                lines += piece.count(b"\n")
    except FileNotFoundError:
        pass  # sealed while we looked
    except OSError as error:
        unreadable.append(_words(error))
    return lines


def _words(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}"


def _reraise(error: OSError) -> None:
    raise error
