"""Whether a file in staging is what its entry says, and whether it may go where it belongs."""

import os
from typing import Any, NamedTuple, Optional, Tuple

from workers.agent.data.shards import sealed
from workers.errands.below import Folders, open_file
from workers.errands.faults import ErrandFailed
from workers.errands.hashing import NAMED_BYTES, digest, feed, fresh
from workers.errands.work import Work
from workers.ledger.shapes import Synced

PRIVATE = 0o600  # whatever it was on its node: never executable, never set-uid
_KEEP = "keep it, or move it away to let this one in"


class Staged(NamedTuple):
    folders: Folders  # below the destination
    path: str  # relative to the destination, in staging
    final: str  # relative to the destination
    entry: Synced
    alone: bool = True  # made durable by itself, not with the others of its batch


class _There(NamedTuple):
    """What lies at the place already."""

    size: int
    mtime_ns: int


def verify(staged: Staged, work: Work) -> bool:
    """Makes a file in staging exactly its entry's bytes. False: these lie at their place already.

    Raises ErrandFailed changed, corrupt, conflict, gone; OSError.
    """
    try:
        folder, name = staged.folders.of(staged.path)
        file, status = open_file(folder, name)
        try:
            return _verified(staged, file, status, work)
        finally:
            os.close(file)
    except FileNotFoundError:
        there = _there(staged)
        if there is not None and _is_same(staged, there, work):
            return False
        raise


def _verified(staged: Staged, file: int, status: os.stat_result, work: Work) -> bool:
    entry, there = staged.entry, _there(staged)
    work.total_bytes += entry.bytes
    if status.st_size < entry.bytes:
        text = f"{entry.bytes} bytes were announced, {status.st_size} arrived"
        raise ErrandFailed("changed", text)
    middle = there.size if there is not None and there.size < entry.bytes else 0
    begins = _check(staged, file, middle, work)
    if there is not None:
        if _is_same(staged, there, work):
            folder, name = staged.folders.of(staged.path)
            os.unlink(name, dir_fd=folder)
            return False
        _may_replace(staged, there, begins, work)
    os.fchmod(file, PRIVATE)
    if status.st_size > entry.bytes:
        _cut(*staged.folders.of(staged.path), entry.bytes)
    mtime_ns = max(0, entry.mtime_ns)  # a time that is not known is older than any other
    os.utime(file, ns=(mtime_ns, mtime_ns))
    if staged.alone:
        os.fsync(file)
    return True


def _check(staged: Staged, file: int, middle: int, work: Work) -> str:
    """Compares the hash; gives that of the first ``middle`` bytes."""
    entry = staged.entry
    named = sealed(os.path.basename(entry.path))
    whole, short = fresh(), fresh(NAMED_BYTES)
    hashes: Tuple[Any, ...] = (whole, short) if named else (whole,)
    feed(file, 0, middle, hashes, work)
    begins = str(whole.hexdigest())
    feed(file, middle, entry.bytes, hashes, work)
    if whole.hexdigest() != entry.hash:
        text = "what arrived is not what was sent: the hash does not fit"
        raise ErrandFailed("corrupt", text)
    if named and short.hexdigest() != named.digest:
        raise ErrandFailed("corrupt", "the shard is not what its name says: damaged on its node")
    return begins


def _may_replace(staged: Staged, there: _There, begins: str, work: Work) -> None:
    """Raises ErrandFailed "conflict" where something larger or newer would be lost."""
    entry = staged.entry
    if there.size > entry.bytes:
        text = f"a larger file lies there ({there.size} bytes, not {entry.bytes}); {_KEEP}"
        raise ErrandFailed("conflict", text)
    if entry.mtime_ns < 0 or there.mtime_ns <= entry.mtime_ns:
        return
    if there.size < entry.bytes and _hash_there(staged, there.size, work) == begins:
        return  # the same file, longer; the clock of its node went back
    raise ErrandFailed("conflict", f"a newer file lies there; {_KEEP}")


def _there(staged: Staged) -> Optional[_There]:
    try:
        file, status = open_file(*staged.folders.of(staged.final))
        os.close(file)
    except FileNotFoundError:
        return None
    return _There(status.st_size, status.st_mtime_ns)


def _is_same(staged: Staged, there: _There, work: Work) -> bool:
    if there.size != staged.entry.bytes:
        return False
    return _hash_there(staged, there.size, work) == staged.entry.hash


def _hash_there(staged: Staged, count: int, work: Work) -> str:
    """Of the first bytes of what lies there, which are durable then: whoever put them there may not have cared."""
    file, _ = open_file(*staged.folders.of(staged.final))
    try:
        found = digest(file, count, work)
        if staged.alone:
            os.fsync(file)
        return found
    finally:
        os.close(file)


def _cut(folder: int, name: str, size: int) -> None:
    file = os.open(name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.ftruncate(file, size)
    finally:
        os.close(file)
