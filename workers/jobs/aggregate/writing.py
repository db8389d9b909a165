"""The second pass: the sources are read again, and what is new goes into parts.

One thread reads and picks, others read the JSON, and the rows arrive in the order of the sources.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

from workers.harness.errors import CorruptData
from workers.jobs.aggregate import contents
from workers.jobs.aggregate.batches import Batch, Finished, Origin
from workers.jobs.aggregate.chunks import Chunk
from workers.jobs.aggregate.columns import GAME, OTHER, ROW, Reader
from workers.jobs.aggregate.duplicates import REJECTED, Resources, Skips
from workers.jobs.aggregate.identity import fault
from workers.jobs.aggregate.keys import Keys
from workers.jobs.aggregate.opening import identity_of, opened
from workers.jobs.aggregate.parts import Parts
from workers.jobs.aggregate.rejected import Rejected
from workers.jobs.aggregate.survey import Beat, Surveyed
from workers.jobs.errors import Passing
from workers.records.line import has_checksum

_THREADS = 3  # keep up with the one that reads; each has rows in memory
ROWS, BYTES = 16 * 1024, 8 * 1024 * 1024  # of a batch, and so of a row group


class Taken(NamedTuple):
    """What became of the records of a source."""

    new: int = 0
    duplicates: int = 0
    rejected: int = 0


class Writing:
    """``folder`` holds the dataset's copies. The context ends its threads; ``finish`` waits for them."""

    def __init__(
        self, folder: Path, table: str, keys: Keys, skips: Skips, parts: Parts, rejected: Rejected,
        use: Resources, beat: Beat,
    ) -> None:  # fmt: skip
        self._folder, self._table, self._beat = folder, table, beat
        self._keys, self._skips = keys, skips
        self._parts, self._rejected = parts, rejected
        self._reader = Reader(use)
        threads = min(use.threads, _THREADS)
        self._pool = ThreadPoolExecutor(threads, "columns")
        self._writer = ThreadPoolExecutor(1, "parts")
        self._under_way: deque[Future[None]] = deque()
        self._most = threads + 2
        self._batch = Batch()
        self._taken: list[list[int]] = []
        self._late: list[int] = []  # rejected by the writer's thread, which alone counts here
        self._names: list[Surveyed] = []

    def take(self, surveyed: Surveyed) -> None:
        """Adds the new records of a source. Raises OSError, Passing where it is not what it was."""
        number = len(self._names)
        self._names.append(surveyed)
        self._taken.append([0, 0, 0])
        self._late.append(0)
        if surveyed.refused:
            self._keys.skip(surveyed.records)
            return
        place = surveyed.first
        for chunk in self._chunks(surveyed):
            if place + len(chunk.lines) > surveyed.first + surveyed.records:
                raise _changed(surveyed)
            self._add(number, surveyed, chunk, place)
            place += len(chunk.lines)
            self._beat(surveyed.source, len(chunk.lines))
        if place != surveyed.first + surveyed.records:
            raise _changed(surveyed)
        if surveyed.fault:
            self._reject(number, -1, surveyed.fault, b"")

    def finish(self) -> list[Taken]:
        """Of each source, in order. Raises OSError."""
        self._send()
        while self._under_way:
            self._under_way.popleft().result()
        self._parts.finish()
        return [
            Taken(new, duplicates, rejected + late)
            for (new, duplicates, rejected), late in zip(self._taken, self._late, strict=True)
        ]

    def __enter__(self) -> "Writing":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._writer.shutdown(cancel_futures=True)
        self._parts.close()

    def _chunks(self, surveyed: Surveyed) -> Iterator[Chunk]:
        source = surveyed.source
        with opened(self._folder, source.parts) as file:
            if identity_of(file) != surveyed.identity:
                raise _changed(surveyed)
            data = contents.pieces(file, surveyed.start, source.bytes)
            try:
                yield from contents.chunks(
                    file, surveyed.kind, source, data, surveyed.start, self._table
                )
            except CorruptData as error:
                if str(error) != surveyed.fault:
                    raise _changed(surveyed) from error

    def _add(self, number: int, surveyed: Surveyed, chunk: Chunk, first: int) -> None:
        count = len(chunk.lines)
        ids, lines, positions = self._keys.take(count), chunk.lines, chunk.positions
        formats = _formats(chunk)
        skips = self._skips.between(first, first + count)
        if skips:
            keep = bytearray(b"\1") * count
            for place, why in skips:
                keep[place - first] = 0
                self._skip(number, why, chunk, place - first)
            ids, lines = list(compress(ids, keep)), list(compress(lines, keep))
            positions, formats = list(compress(positions, keep)), list(compress(formats, keep))
        source = surveyed.source
        origin = Origin(number, source.node, source.path)
        self._batch.add(origin, ids, formats, positions, lines)
        if self._batch.rows >= ROWS or self._batch.bytes >= BYTES:
            self._send()

    def _skip(self, number: int, why: int, chunk: Chunk, row: int) -> None:
        if why == REJECTED:
            reason = fault(chunk.lines[row]) or "no record"
            self._reject(number, chunk.positions[row], reason, chunk.lines[row])
        else:
            self._taken[number][1] += 1

    def _reject(self, number: int, position: int, reason: str, line: bytes) -> None:
        self._taken[number][2] += 1
        self._keep(number, position, reason, line)

    def _keep(self, number: int, position: int, reason: str, line: bytes) -> None:
        self._rejected.add(self._names[number].source, position, reason, line)

    def _send(self) -> None:
        batch, self._batch = self._batch, Batch()
        if not batch.rows:
            return
        read = self._pool.submit(batch.finished, self._reader)
        self._under_way.append(self._writer.submit(self._write, read))
        while len(self._under_way) > self._most:
            self._under_way.popleft().result()

    def _write(self, read: "Future[Finished]") -> None:
        """In the writer's thread: batches come one after the other, as they were sent."""
        found = read.result()
        for number, kept in found.kept.items():
            self._taken[number][0] += kept
        for bad in found.rejects:
            self._late[bad.number] += 1
            self._keep(bad.number, bad.position, bad.reason, bad.line)
        if found.table.num_rows:
            self._parts.write(found.table, found.games(), found.newest())


def _formats(chunk: Chunk) -> list[str]:
    if chunk.rows:
        return [ROW] * len(chunk.lines)
    if not chunk.claims:
        return [OTHER] * len(chunk.lines)
    return [GAME if has_checksum(line) else OTHER for line in chunk.lines]


def _changed(surveyed: Surveyed) -> Passing:
    return Passing(
        f"{surveyed.source.words}: its copy changed while it was read; nothing was taken, run it again"
    )


def all_of(taken: Iterable[Taken]) -> Taken:
    """The sum."""
    columns: Any = zip(*taken, strict=True)
    return Taken(*(sum(column) for column in columns))
