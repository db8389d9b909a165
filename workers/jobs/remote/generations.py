"""A generation as a backup sees it: the files its manifest names, and whether they are still those."""

import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from workers.harness import CorruptData
from workers.records.consolidated import decode_manifest, folder_name, manifest_name

MOST_MANIFEST_BYTES = 64 * 1024 * 1024
_MANIFEST = re.compile(r"gen-(\d{6,12})/manifest-(\d{6,12})\.json", re.ASCII)
_PIECE = 1 << 20

Check = Callable[[], None]


class StoredFile(NamedTuple):
    """``path`` is relative to the generation's folder; ``hash`` is blake2b-128, hexadecimal."""

    path: str
    bytes: int
    hash: str


class Generation(NamedTuple):
    number: int
    folder: Path
    manifest: bytes
    files: tuple[StoredFile, ...]

    @property
    def name(self) -> str:
        return folder_name(self.number)

    @property
    def names(self) -> list[str]:
        return [file.path for file in self.files]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


def numbers_in(paths: Iterable[str]) -> list[int]:
    """Of the generations whose manifest is among these paths, relative to the store; ascending."""
    found = []
    for path in paths:
        match = _MANIFEST.fullmatch(path)
        if match and match[1] == match[2]:
            found.append(int(match[1]))
    return sorted(found)


def read(store: Path, number: int) -> Generation:
    """One generation as its manifest has it. Raises CorruptData; the files are not looked at."""
    folder = store / folder_name(number)
    path = folder / manifest_name(number)
    try:
        with path.open("rb") as file:
            body = file.read(MOST_MANIFEST_BYTES + 1)
    except OSError as error:
        raise CorruptData(f"{path}: cannot be read: {error.strerror}") from error
    return Generation(number, folder, body, parse_manifest(body, number, str(path)))


def parse_manifest(body: bytes, number: int, place: str) -> tuple[StoredFile, ...]:
    """The files a manifest names. Raises CorruptData where it is none, or names a file outside its folder."""
    try:
        found = decode_manifest(body, place)
        if found["generation"] != number:
            raise ValueError(f"it is of generation {found['generation']!r}")
        files = tuple(_stored(row) for row in found["files"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptData(f"{place}: is no manifest of generation {number}: {error}") from error
    if len({file.path for file in files}) != len(files):
        raise CorruptData(f"{place}: names a file twice")
    return files


def _stored(row: Any) -> StoredFile:
    path, size, digest = row["path"], row["bytes"], row["hash"]
    if not isinstance(path, str) or not safe_path(path):
        raise ValueError(f"{str(path)[:80]!r} may not form a path")
    if type(size) is not int or size < 0 or not re.fullmatch(r"[0-9a-f]{32}", str(digest)):
        raise ValueError(f"{path!r} has no size or hash")
    return StoredFile(path, size, digest)


def safe_path(path: str) -> bool:
    """Relative, without steps up, and nothing a listing of names or a terminal would trip over."""
    steps = path.split("/")
    return path.isprintable() and not any(
        step in ("", ".", "..") or step.startswith("-") for step in steps
    )


def verify(generation: Generation, check: Check) -> None:
    """Compares the files here with their manifest: what is rotten here must not become the backup.

    Raises CorruptData, Interrupted.
    """
    for file in generation.files:
        path = generation.folder / file.path
        check()
        try:
            if path.is_symlink() or path.stat().st_size != file.bytes:
                raise CorruptData(f"{path}: is not as long as its manifest says; not backed up")
            if hash_of(path, check) != file.hash:
                raise CorruptData(f"{path}: its bytes are not those of its manifest; not backed up")
        except OSError as error:
            raise CorruptData(f"{path}: cannot be read: {error.strerror}; not backed up") from error


def hash_of(path: Path, check: Check) -> str:
    """blake2b-128 of a file, hexadecimal. Raises OSError, Interrupted."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            check()
    return digest.hexdigest()
