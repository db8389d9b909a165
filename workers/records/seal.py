"""A journal becomes a shard. Killed between any two steps, everything durable is in exactly one of them."""

import hashlib
import os
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from workers.harness.errors import CorruptData
from workers.records import disk
from workers.records.claim import Claim
from workers.records.lines import Scan, good_lines, lines_of, scan
from workers.records.names import ShardName, parse_shard
from workers.records.shard import checked_pieces
from workers.records.zstd import compressed, decompressed

Clock = Callable[[], float]


def examine(claim: Claim) -> Scan:
    """What the journal is like. Lines that nobody can read are kept beside it. Raises OSError."""
    found = scan(claim.file)
    if found.damaged:
        _set_aside(claim, b"".join(found.damaged) + found.tail)
    return found


def seal_claim(
    claim: Claim, found: Scan, clock: Clock = time.time, again: bool = False
) -> Path | None:
    """Puts the claim's games into a shard: its path, None for no games.

    The journal is still there; ``renew`` or ``drop`` it next. ``again``: an earlier try may have come as
    far as the shard, whose games are not sealed twice. Raises OSError, Misconfigured (no zstd).
    """
    if not found.good:
        return None
    last = claim.places.last_shard(claim.worker)
    if again and last is not None and _is_of(last, claim.file, found):
        disk.sync_folder(last.parent)
        return last
    return _write_shard(claim, found.good, _sequence_after(last, clock))


def _set_aside(claim: Claim, data: bytes) -> None:
    """The same lines in the same file. A tail alone is what any death leaves, and no game. Raises OSError."""
    path = claim.places.damaged(claim.worker, zlib.crc32(data))
    disk.write_whole(claim.places.draft(claim.worker), path, data)


def _write_shard(claim: Claim, records: int, sequence: int) -> Path:
    draft = claim.places.draft(claim.worker)
    disk.make_folders(draft.parent)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | disk.COMMON, 0o666)
    try:
        with disk.naming(draft):
            digest = _fill(file, good_lines(claim.file))
            os.fsync(file)
        path = claim.places.shard(ShardName(claim.worker, sequence, records, digest))
        disk.make_folders(path.parent)
        os.rename(draft, path)  # nobody else writes this worker's names, and the sequence is new
    except BaseException:
        disk.remove_quietly(draft)
        raise
    finally:
        os.close(file)
    disk.sync_folder(path.parent)
    return path


def _fill(file: int, lines: Iterator[bytes]) -> str:
    hashed = hashlib.blake2b(digest_size=8)
    for piece in compressed(lines):
        hashed.update(piece)
        disk.write_all(file, piece)
    return hashed.hexdigest()


def _sequence_after(last: Path | None, clock: Clock) -> int:
    name = parse_shard(last.name) if last else None
    return max(name.sequence + 1 if name else 1, int(clock()))


def _is_of(shard: Path, journal: int, found: Scan) -> bool:
    """Whether the shard was made of this journal: as many games, the same lines in order.

    Lines that were damaged since are not missed.
    """
    name = parse_shard(shard.name)
    lost = bool(found.damaged or found.tail)
    if name is None or (name.records <= found.good if lost else name.records != found.good):
        return False
    try:
        sealed = lines_of(decompressed(checked_pieces(shard)))
        return all(line in sealed for line in good_lines(journal))
    except CorruptData:
        return False
