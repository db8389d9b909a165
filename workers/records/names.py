"""What the files of a configuration are called. A shard's name carries its worker, its place, its count, its hash.

``<out>/<board>_<n>p/open/<worker>.jsonl``                              a journal
``<out>/<board>_<n>p/<yyyymmdd>/<worker>-<sequence>-n000500-<blake2b-64>.jsonl.zst``   a shard

The *sequence* is the second (since 1970, UTC) at which the shard was sealed, or one above the worker's last
where the clock says less. So all workers' shards sort by time, a worker's own never lose their order, and
the day follows from the sequence. The hash is that of the file's bytes: no zstd is needed to check a copy.
"""

import re
import time
from pathlib import Path
from typing import NamedTuple

from workers.harness.errors import Misconfigured

OPEN = "open"
JOURNAL = ".jsonl"
SHARD = ".jsonl.zst"
_FRESH = ".jsonl.tmp"
_DRAFT = ".jsonl.zst.tmp"
# As the agent reads it (workers/agent/data/shards.py), so that both count the same files.
_SHARD = re.compile(r"(?s)(.+)-(\d+)-n(\d{6,12})-([0-9a-f]{16})\.jsonl\.zst\Z", re.ASCII)
_WORKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\Z", re.ASCII)
_BOARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\Z", re.ASCII)


_YEAR_10000 = 253402300800  # in seconds; no clock of ours has named such a shard


class ShardName(NamedTuple):
    worker: str
    sequence: int
    records: int
    digest: str

    def __str__(self) -> str:
        return f"{self.worker}-{self.sequence}-n{self.records:06d}-{self.digest}{SHARD}"


def parse_shard(name: str) -> ShardName | None:
    """None for a name that is no shard's."""
    found = _SHARD.match(name)
    if found is None:
        return None
    worker, sequence, records, digest = found.groups()
    return ShardName(worker, int(sequence), int(records), digest)


def counted(name: str) -> tuple[int, str] | None:
    """Only how many games, and the hash: what counting needs, in half the time."""
    found = _SHARD.match(name)
    return (int(found[3]), found[4]) if found else None


def day_of(sequence: int) -> str:
    """The folder of a shard."""
    return time.strftime("%Y%m%d", time.gmtime(sequence))


class Places:
    """Where everything of one configuration lies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open = folder / OPEN

    @classmethod
    def of(cls, out: Path, board: str, players: int) -> "Places":
        """Raises Misconfigured for a board that cannot be a folder."""
        if not _BOARD.match(board):
            raise Misconfigured(f"board {board!r}: letters, digits, _ and - only")
        return cls(out / f"{board}_{players}p")

    def journal(self, worker: str) -> Path:
        """Raises Misconfigured for a worker that cannot be a file."""
        if not _WORKER.match(worker):
            raise Misconfigured(f"worker {worker!r}: letters, digits, _, . and - only")
        return self.open / f"{worker}{JOURNAL}"

    def fresh(self, worker: str) -> Path:
        """A journal that is not in its place yet."""
        return self.open / f".{worker}{_FRESH}"

    def draft(self, worker: str) -> Path:
        """A shard that is not whole yet."""
        return self.open / f".{worker}{_DRAFT}"

    def damaged(self, worker: str, checksum: int) -> Path:
        """Lines of a journal that nobody can read any more."""
        return self.open / f"{worker}{JOURNAL}.damaged-{checksum:08x}"

    def shard(self, name: ShardName) -> Path:
        return self.folder / day_of(name.sequence) / str(name)

    def writers(self) -> list[str]:
        """The workers, dead or alive, that have anything in ``open``, sorted. Raises OSError."""
        if not self.open.is_dir():
            return []
        found = {_writer(path.name) for path in self.open.iterdir()}
        return sorted(worker for worker in found if _WORKER.match(worker))

    def last_shard(self, worker: str) -> Path | None:
        """The one with the highest sequence, whatever its folder. Raises OSError."""
        found: dict[int, Path] = {}
        for path in self.folder.glob(f"*/{worker}-*{SHARD}"):
            name = parse_shard(path.name)
            if name and name.worker == worker and name.sequence < _YEAR_10000:
                found[name.sequence] = path
        return found[max(found)] if found else None


def _writer(name: str) -> str:
    """Whose file of ``open`` it is; "" for anything else."""
    if name.startswith("."):
        for ending in (_FRESH, _DRAFT):
            if name.endswith(ending):
                return name[1:].removesuffix(ending)
        return ""
    return name.removesuffix(JOURNAL) if name.endswith(JOURNAL) else ""
