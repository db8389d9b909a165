"""One node's files on their way."""

import os
import posixpath
import time
from collections.abc import Sequence

from workers.errands.client import Errand
from workers.errands.shapes import Snapshot
from workers.jobs.crew import Crew
from workers.jobs.document import Document
from workers.jobs.parts import Part
from workers.jobs.reach import asked
from workers.jobs.sync.arguments import Leg
from workers.jobs.sync.arrive import Arrivals
from workers.jobs.sync.decide import REFUSED, Step, offered_bytes
from workers.jobs.sync.meter import Meter
from workers.jobs.sync.road import PULL, Road
from workers.jobs.sync.staging import adopt
from workers.jobs.sync.survey import Survey, legs
from workers.jobs.sync.tally import Tally, shown
from workers.jobs.sync.target import Target
from workers.jobs.sync.verdict import judge, warning
from workers.ledger.shapes import SQLITE

_REWRITTEN = (
    "rewritten: it no longer begins with what was synced; the copy stays; "
    "rename the file on the node to have it synced as another"
)


class NodeSync:
    """The transfer of one node; ``found`` is what the survey says of it now."""

    def __init__(
        self,
        document: Document,
        found: Survey,
        road: Road,
        target: Target,
        errand: Errand,
        crew: Crew,
        part: Part,
    ) -> None:
        self._run = document.run
        self._found = found
        self._road = road
        self._target = target
        self._errand = errand
        self._crew = crew
        self._arrivals = Arrivals(document, found, target, errand, crew.check)
        self.copied_s = self.verified_s = 0.0
        self._meter = Meter(part, len(found.travelling), found.arriving_bytes)

    def run(self) -> Tally:
        """Raises WorkerError; what arrived before it is placed and counts."""
        refused = [f"{shown(step.file.path)}: {step.reason}" for step in self._found.of(REFUSED)]
        tally = Tally(refused=tuple(refused), failed=self._found.problems)
        for dataset, steps in self._found.steps.items():
            tally = tally.plus(self._dataset(dataset, steps))
        return tally

    def _dataset(self, dataset: str, steps: Sequence[Step]) -> Tally:
        begins = self._arrivals.beginnings(steps)
        rewritten = [path for path, same in begins.items() if not same]
        known = [step for step in steps if begins.get(step.file.path) and _is_all(step)]
        there = {step.file.path for step in known if not step.file.settled}
        there |= self._arrivals.confirm(dataset, [step for step in known if step.file.settled])
        left = [step for step in steps if step.travels and step.file.path not in there]
        kept = [step for step in left if step.file.path not in rewritten]
        tally = Tally(refused=tuple(f"{shown(path)}: {_REWRITTEN}" for path in rewritten))
        for leg, chunk in legs(self._found, dataset, kept, self._target):
            tally = tally.plus(self._leg(dataset, leg, chunk))
        for step in kept:
            if step.file.kind == SQLITE:
                tally = tally.plus(self._database(dataset, step))
        return tally

    def _leg(self, dataset: str, leg: Leg, steps: Sequence[Step]) -> Tally:
        code, said, far = self._carry(leg)
        error = judge(code, said, far)
        arrived = [step for step in steps if error is None or self._lies_there(leg, step)]
        self._meter.say("verifying")
        began = time.monotonic()
        tally = self._arrivals.place(dataset, leg, arrived)
        self.verified_s += time.monotonic() - began
        if error is not None:
            raise error
        told = warning(code, said)
        return tally.plus(Tally(warnings=(told,) if told else ()))

    def _carry(self, leg: Leg) -> tuple[int, tuple[str, ...], str]:
        """rsync's exit code, what it said, and the machine an ssh's failure is about."""
        basis = leg.basis
        if self._road.kind == PULL:
            os.makedirs(leg.destination, mode=0o700, exist_ok=True)
            adopt(leg.destination)
            basis = tuple(each for each in basis if os.path.isdir(each))
        else:
            self._target.make_folder(posixpath.relpath(leg.destination, self._target.path))
        self._meter.say("copying")
        began = time.monotonic()
        ended, far = self._road.carry(
            leg._replace(basis=basis), self._errand, self._meter.progress, self._crew.check
        )
        self.copied_s += time.monotonic() - began
        self._meter.leg_ended(leg)
        return ended.code, ended.said, far

    def _lies_there(self, leg: Leg, step: Step) -> bool:
        """Whether a file of a leg that broke off has arrived whole. Elsewhere the next try finds them."""
        path = posixpath.join(leg.destination, step.file.path.lstrip("/"))
        return self._road.kind == PULL and os.path.lexists(os.fsencode(path))

    # ------------------------------------------------------------ databases

    def _database(self, dataset: str, step: Step) -> Tally:
        """A consistent copy is made on the node, fetched, and removed there."""
        self._meter.say(f"taking a snapshot of {shown(step.file.path)}")
        with asked():
            snapshot = self._errand.snapshot_sqlite(self._found.root, step.file.path, self._run)
        try:
            return self._snapshot(dataset, step, snapshot)
        finally:
            with asked():
                self._errand.drop_snapshot(snapshot)

    def _snapshot(self, dataset: str, step: Step, snapshot: Snapshot) -> Tally:
        if step.before is not None and snapshot.bytes < step.before.bytes:
            return Tally(refused=(f"{shown(step.file.path)}: smaller than what was synced",))
        staging = self._target.staging(self._found.node, dataset, "snapshots")
        folder = posixpath.join(self._target.path, staging)
        leg = Leg("/", folder, (snapshot.path.lstrip("/"),), snapshot.bytes)
        code, said, far = self._carry(leg)
        error = judge(code, said, far)
        if error is not None:
            raise error
        return self._arrivals.place_snapshot(dataset, leg, step.file.path, snapshot)


def _is_all(step: Step) -> bool:
    """Whether what was synced is as long as what is there now."""
    return step.before is not None and step.before.bytes == offered_bytes(step.file)
