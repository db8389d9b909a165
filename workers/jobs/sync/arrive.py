"""Files that have arrived in staging: hashed at the source, verified here, renamed, and in the manifest."""

import posixpath
import time
from collections.abc import Callable, Sequence

from workers.errands.client import Errand
from workers.errands.shapes import Arrival, Snapshot
from workers.jobs.document import Document
from workers.jobs.reach import asked
from workers.jobs.sync.arguments import Leg
from workers.jobs.sync.decide import Step, offered_bytes
from workers.jobs.sync.survey import Survey
from workers.jobs.sync.tally import Tally, shown
from workers.jobs.sync.target import Target
from workers.ledger.shapes import LINES, Synced

_TOGETHER = 250  # files in one go: between two, a stop is obeyed
_GONE, _CORRUPT, _CHANGED, _CONFLICT = "gone", "corrupt", "changed", "conflict"


class Arrivals:
    """Of one node. ``check`` is called between batches and raises what ends the work."""

    def __init__(
        self,
        document: Document,
        found: Survey,
        target: Target,
        errand: Errand,
        check: Callable[[], None],
    ) -> None:
        self._document = document
        self._found = found
        self._target = target
        self._errand = errand
        self._check = check

    def beginnings(self, steps: Sequence[Step]) -> dict[str, bool]:
        """Path → whether a line file still begins with what was synced of it. Raises WorkerError."""
        known = [step for step in steps if step.travels and step.before and step.file.kind == LINES]
        wanted = [(step.file.path, step.before.bytes) for step in known if step.before]
        hashes = self._hash(wanted)
        return {
            step.file.path: hashes[step.file.path] == step.before.hash
            for step in known
            if step.before and step.file.path in hashes
        }

    def confirm(self, dataset: str, steps: Sequence[Step]) -> set[str]:
        """Line files whose very bytes were synced, but are known under another time: they only get their line.

        The paths of those that do lie there. Raises WorkerError.
        """
        arrivals = [
            Arrival(
                self._target.staging(self._found.node, dataset, "none"),
                self._entry(step, step.before.hash),
            )
            for step in steps
            if step.before
        ]
        if not arrivals:
            return set()
        return {each.path for each in self._target.place(dataset, arrivals) if each.placed}

    def place(self, dataset: str, leg: Leg, steps: Sequence[Step]) -> Tally:
        """The files of a leg that came. Raises WorkerError."""
        tally = Tally()
        for start in range(0, len(steps), _TOGETHER):
            self._check()
            batch = steps[start : start + _TOGETHER]
            hashes = self._hash([(step.file.path, offered_bytes(step.file)) for step in batch])
            gone = [step.file.path for step in batch if step.file.path not in hashes]
            arrivals = [
                Arrival(
                    self._staged(leg, step.file.path), self._entry(step, hashes[step.file.path])
                )
                for step in batch
                if step.file.path in hashes
            ]
            told = tuple(f"{shown(path)}: gone or unreadable on the node" for path in gone)
            tally = tally.plus(self._placed(dataset, arrivals)).plus(Tally(warnings=told))
        return tally

    def place_snapshot(self, dataset: str, leg: Leg, path: str, snapshot: Snapshot) -> Tally:
        """A database, under its own name. Raises WorkerError."""
        entry = self._synced(
            path, snapshot.bytes, snapshot.records, snapshot.hash, snapshot.mtime_ns, snapshot.size
        )
        return self._placed(dataset, [Arrival(self._staged(leg, snapshot.path), entry)])

    def _hash(self, wanted: Sequence[tuple[str, int]]) -> dict[str, str]:
        """Path → hash at the source; without those that cannot be read there any more."""
        if not wanted:
            return {}
        with asked():
            rows = self._errand.hash(self._found.root, wanted)
        return {row.path: row.hash for row in rows if not row.problem}

    def _placed(self, dataset: str, batch: Sequence[Arrival]) -> Tally:
        sizes = {each.entry.path: each.entry.bytes for each in batch}
        tally = Tally()
        for placed in self._target.place(dataset, batch) if batch else ():
            name = shown(placed.path)
            if placed.placed:
                tally = tally.plus(Tally(1, sizes[placed.path]))
            elif placed.code == _CONFLICT:
                tally = tally.plus(Tally(refused=(f"{name}: {placed.reason}",)))
            else:
                tally = tally.plus(Tally(failed=(f"{name}: {_why(placed.code, placed.reason)}",)))
        return tally

    def _staged(self, leg: Leg, path: str) -> str:
        whole = posixpath.join(leg.destination, path.lstrip("/"))
        return posixpath.relpath(whole, self._target.path)

    def _entry(self, step: Step, digest: str) -> Synced:
        file = step.file
        mtime_ns = file.mtime_ns if file.settled else -1
        size = offered_bytes(file)
        return self._synced(file.path, size, file.records, digest, mtime_ns, file.size)

    def _synced(
        self, path: str, size: int, records: int | None, digest: str, mtime_ns: int, whole: int
    ) -> Synced:
        found, orders = self._found, self._document
        return Synced(
            node=found.node,
            node_key=found.node_key,
            path=path,
            bytes=size,
            records=records,
            hash=digest,
            mtime_ns=mtime_ns,
            size=whole,
            at=time.time(),
            run=orders.run,
            fence=orders.fence,
        )


def _why(code: str, reason: str) -> str:
    if code in (_CORRUPT, _CHANGED):
        return f"changed while it was copied: the next sync takes it ({reason})"
    if code == _GONE:
        return "did not arrive"
    return reason
