"""What dead writers left: their journals become shards, torn last lines are cut off and counted."""

import errno
import os
import time
from pathlib import Path
from typing import NamedTuple

from workers.records import disk
from workers.records.claim import Claim
from workers.records.lines import Scan
from workers.records.names import Places
from workers.records.seal import Clock, examine, seal_claim
from workers.records.shards import configurations


class Recovered(NamedTuple):
    """Says of itself "recovered N, torn 1"."""

    recovered: int = 0
    """Games that are in a shard now."""
    torn: int = 0
    """Last lines that their writer never finished."""
    damaged: int = 0
    """Whole lines that nobody can read; they are kept beside the journal."""
    shards: tuple[Path, ...] = ()
    refused: tuple[str, ...] = ()
    """Folders and journals that this process may not open, and why."""

    def __str__(self) -> str:
        text = f"recovered {self.recovered}, torn {self.torn}"
        return f"{text}, damaged {self.damaged}" if self.damaged else text


def recover(out: Path, clock: Clock = time.time) -> Recovered:
    """All configurations below ``out``. Writers that live keep their journals.

    Raises OSError where the disk is full or fails, Misconfigured (no zstd).
    """
    refused: list[str] = []
    found = Recovered()
    for folder in configurations(out, lambda error: refused.append(_words(error))):
        places = Places(folder)
        for worker in places.writers():
            found = _add(found, _recover_worker(places, worker, clock))
    return _add(found, Recovered(refused=tuple(refused)))


def recover_claim(claim: Claim, clock: Clock = time.time) -> Recovered:
    """Seals and drops a dead writer's journal. Raises OSError, Misconfigured; the journal is there still."""
    try:
        found = examine(claim)
        _cut(claim, found)
        shard = seal_claim(claim, found, clock, again=True)
    except BaseException:
        claim.let_go()
        raise
    claim.drop()
    return Recovered(found.good, found.torn, len(found.damaged), (shard,) if shard else ())


def _recover_worker(places: Places, worker: str, clock: Clock) -> Recovered:
    try:
        claim = Claim.of_dead(places, worker) or _orphan(places, worker)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        return Recovered(refused=(_words(error),))
    return recover_claim(claim, clock) if claim else Recovered()


def _orphan(places: Places, worker: str) -> Claim | None:
    """For drafts whose journal is gone. None while somebody has the name."""
    if places.journal(worker).exists():
        return None
    try:
        return Claim.begin(places, worker)
    except FileExistsError:
        return None


def _cut(claim: Claim, found: Scan) -> None:
    """Ends the journal after its last good line."""
    if found.end < found.size:
        with disk.naming(claim.path):
            os.ftruncate(claim.file, found.end)
            os.fsync(claim.file)


def _words(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}"


def _add(one: Recovered, other: Recovered) -> Recovered:
    return Recovered(
        one.recovered + other.recovered,
        one.torn + other.torn,
        one.damaged + other.damaged,
        one.shards + other.shards,
        one.refused + other.refused,
    )
