"""The hash of a file's first bytes: blake2b-128, as the manifests hold it."""

import hashlib
import os
from typing import Any, Dict, List, Tuple

from workers.errands.below import folder_of, open_file, real_root
from workers.errands.faults import ErrandFailed
from workers.errands.translate import of_os
from workers.errands.work import Work

PIECE_BYTES = 1024 * 1024
NAMED_BYTES = 8  # a sealed shard's name holds blake2b-64 of its bytes


def fresh(size: int = 16) -> Any:
    return hashlib.blake2b(digest_size=size)


def digest(file: int, count: int, work: Work) -> str:
    """Of the first ``count`` bytes. Raises ErrandFailed "changed" where there are fewer, OSError."""
    found = fresh()
    feed(file, 0, count, (found,), work)
    return str(found.hexdigest())


def feed(file: int, start: int, end: int, hashes: Tuple[Any, ...], work: Work) -> None:
    """Gives the bytes from ``start`` to ``end`` to each hash."""
    position = start
    while position < end:
        piece = os.pread(file, min(PIECE_BYTES, end - position), position)
        if not piece:
            raise ErrandFailed("changed", f"has {position} bytes, {end} are wanted")
        for each in hashes:
            each.update(piece)
        position += len(piece)
        work.tick(len(piece))


def hash_files(asked: Dict[str, Any], work: Work) -> List[Tuple[str, str, str]]:
    """(path, hash, problem) for each of the files, in order."""
    root = real_root(asked["root"])
    work.total_bytes = sum(count for _, count in asked["files"])
    return [(path, *_one(root, path, count, work)) for path, count in asked["files"]]


def _one(root: str, path: str, count: int, work: Work) -> Tuple[str, str]:
    try:
        with folder_of(root, path) as (folder, name):
            file, _ = open_file(folder, name)
            try:
                return digest(file, count, work), ""
            finally:
                os.close(file)
    except (ErrandFailed, OSError) as error:
        return "", of_os(error, path).text
