"""A sync as a job: look at every node first, see whether all of it fits, then carry."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from workers.errands.client import Errand
from workers.harness import Worker
from workers.jobs.crew import Crew, Skip
from workers.jobs.document import Document, Host
from workers.jobs.parts import PARTIAL, WAITING, Part, Parts
from workers.jobs.plan import amount
from workers.jobs.reach import reached
from workers.jobs.sync.decide import LATER, UNSETTLED
from workers.jobs.sync.node import NodeSync
from workers.jobs.sync.road import road
from workers.jobs.sync.survey import Survey, check_twins, survey
from workers.jobs.sync.tally import Tally
from workers.jobs.sync.target import Target
from workers.jobs.sync.version import Version, probe

LOOK_AT_ONCE = 8
SETTLE_S = 2.2  # until a file that is not written to any more counts as settled


class Sync:
    """One run over the sources of a document. ``found``: node → what it has; ``warnings``: what is said."""

    def __init__(self, worker: Worker, document: Document, target: Target, own: Version) -> None:
        self.document = document
        self.target = target
        self.own = own
        self.far = own if self.destination.here else probe(self.destination)
        self.parts = Parts(worker, document.sources, "file")
        self.crew = Crew(worker, document.limits, self.parts)
        self.found: dict[str, Survey] = {}
        self.tally = Tally()
        self._mutex = threading.Lock()
        self.warnings: dict[str, str] = {}
        self._worker = worker

    @property
    def destination(self) -> Host:
        return self.document.host(self.document.destination.node)

    def look(self, retries: int) -> None:
        """Surveys all sources, more of them at a time than are copied from; those that cannot be reached are
        failed parts."""
        limits = self.document.limits
        at_once = max(LOOK_AT_ONCE, limits.concurrency)
        looking = replace(limits, concurrency=at_once, retries=retries)
        self.crew.work(self.document.sources, self._look, looking)
        check_twins(self.surveys)

    @property
    def surveys(self) -> list[Survey]:
        """In the order of the sources."""
        return [self.found[name] for name in self.document.sources if name in self.found]

    def carry(self) -> None:
        """Carries what was found. Raises the error that tells how it ended."""
        waiting = [part.name for part in self.parts.in_state(WAITING)]
        self.target.check_room(sum(self.found[name].arriving_bytes for name in waiting))
        self.crew.work(waiting, self._carry)
        self.crew.finish()
        if not self._worker.stopping:  # what has come of a file is kept for the next run
            self._worker.say(message=self.tally.text())
            self.target.clear()

    def _look(self, part: Part) -> None:
        host = self.document.host(part.name)
        if not self.document.datasets_of(host.name):
            raise Skip("no dataset of this job is there")
        part.say(message="looking")
        with reached(host) as errand:
            found = survey(self.document, host, errand, self.target)
        self._note(host)
        self.found[host.name] = found
        part.say(state=WAITING, message=_short(found), total=len(found.travelling))

    def _note(self, host: Host) -> None:
        version = self.own if host.here else probe(host)
        told = version.warning(host.name)
        if told:
            self.warnings[host.name] = told

    def _carry(self, part: Part) -> str:
        """One try. Files that wait since the survey may have grown meanwhile: it is looked at anew."""
        host = self.document.host(part.name)
        with reached(host) as errand:
            found = self._settled(host, errand)
            way = road(self.document, host, self.destination, self.own, found.home)
            transfer = NodeSync(self.document, found, way, self.target, errand, self.crew, part)
            tally = transfer.run()
        with self._mutex:
            self.tally = self.tally.plus(tally)
        if tally.partial:
            part.say(state=PARTIAL, message=tally.text())
        times = f"copied in {transfer.copied_s:.1f} s, verified in {transfer.verified_s:.1f} s"
        self._worker.log(f"{part.name}: {tally.text()}; {times}")
        return tally.text()

    def _settled(self, host: Host, errand: Errand) -> Survey:
        """The survey; once more where files were written to a moment ago: they may have been the last words."""
        found = survey(self.document, host, errand, self.target)
        if any(step.reason == UNSETTLED for step in found.of(LATER)):
            self._worker.wait(SETTLE_S)
            self.crew.check()
            found = survey(self.document, host, errand, self.target)
        return found


def _short(found: Survey) -> str:
    return f"{amount(len(found.travelling), found.missing_bytes)} to sync"


@contextmanager
def opened(worker: Worker, document: Document, locked: bool) -> Iterator[Sync]:
    """Raises WorkerError where this machine has no rsync, or the destination cannot be reached or read."""
    own = probe(Host(document.here))
    destination = document.host(document.destination.node)
    with reached(destination) as errand:
        target = Target(document, errand, locked)
        sync = Sync(worker, document, target, own)
        for host, version in ((Host(document.here), own), (destination, sync.far)):
            told = version.warning(host.name)
            if told:
                sync.warnings[host.name] = told
        yield sync
