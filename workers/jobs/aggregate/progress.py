"""How far each node's records are, and how the run ended for each."""

import time
from dataclasses import replace
from datetime import datetime, timezone

from workers.harness import CorruptData, Worker, WorkerError
from workers.jobs.aggregate.generation import Made
from workers.jobs.aggregate.orders import Task
from workers.jobs.aggregate.pace import READING, WRITING, Pace
from workers.jobs.aggregate.sources import Refusal, Source
from workers.jobs.crew import Crew
from workers.jobs.document import Document
from workers.jobs.errors import NotReached, SomeFailed
from workers.jobs.parts import DONE, FAILED, PARTIAL, RUNNING, WAITING, Part, Parts
from workers.jobs.reach import reached

_NAMED = 3  # files that cannot be read are named in a message; all are in the log


class Progress:
    """The parts of the job's status are nodes. ``reading`` and ``writing`` are told of records."""

    def __init__(
        self, worker: Worker, document: Document, nodes: list[str], tasks: list[Task]
    ) -> None:
        self._worker, self._document = worker, document
        self.parts = Parts(worker, nodes, "record")
        self.crew = Crew(worker, replace(document.limits, retries=0), self.parts)
        self._tasks = tasks
        self._paces = {name: Pace(_total(name, tasks)) for name in nodes}
        for name, pace in self._paces.items():
            self.parts[name].say(total=pace.total)
        self._down: dict[str, str] = {}
        self._refused: dict[str, list[Refusal]] = {}
        self._new = self._merged = 0

    def look_for_nodes(self) -> None:
        """Which sources answer: of the others nobody knows what they made since they were synced."""
        self.crew.work(self._document.sources, self._look)
        for part in self.parts.in_state(FAILED):
            self._down[part.name] = part.message
            part.say(state=WAITING)

    def reading(self, source: Source, records: int) -> None:
        """Raises Interrupted once the job should end, as ``writing`` does."""
        self._count(READING, source, records)

    def writing(self, source: Source, records: int) -> None:
        self._count(WRITING, source, records)

    def refused(self, refusal: Refusal) -> None:
        """A file of which nothing was taken."""
        self._refused.setdefault(refusal.node, []).append(refusal)
        self._worker.log(f"not taken: {refusal.node}:{refusal.path}: {refusal.reason}")

    def made(self, dataset: str, made: Made) -> None:
        for refusal in made.refused:
            self.refused(refusal)
        self._new += made.taken.new
        self._merged += len(made.entries)
        self._worker.say(message=f"{dataset}: {self._new:,} new records")

    def ended(self, state: str, why: str) -> None:
        """Before all was done."""
        for part in self.parts.in_state(WAITING, RUNNING):
            part.say(state=state, message=why)

    def finish(self) -> None:
        """Raises SomeFailed where nodes are down or files cannot be read, CorruptData where nothing else was."""
        for part in self.parts:
            text = self._trouble(part.name)
            part.say(state=PARTIAL if text else DONE, message=text)
        bad = self.parts.in_state(PARTIAL)
        if not bad:
            self._worker.say(message=f"{self._new:,} new records")
            return
        text = "; ".join(f"{part.name}: {part.message}" for part in bad)
        error: type[WorkerError] = SomeFailed
        if self._refused and not self._merged and not any(t.pending.done for t in self._tasks):
            error = CorruptData
        raise error(f"partial: {self._new:,} new records; {text}")

    def _look(self, part: Part) -> None:
        """The console that gave the orders has seen the nodes; this machine need not be let in there."""
        host = self._document.host(part.name)
        if host.seen is None:
            with reached(host):
                pass
        elif host.seen != "up":
            raise NotReached(host.seen)
        part.say(state=WAITING)

    def _count(self, what: str, source: Source, records: int) -> None:
        self.crew.check()
        part = self.parts[source.node]
        pace = self._paces[source.node]
        pace.count(what, records)
        if part.state != RUNNING or pace.due(time.monotonic()):
            part.say(
                state=RUNNING, done=pace.counts[WRITING], eta_s=pace.eta_s(time.monotonic()),
                message="" if what == WRITING else f"reads: {pace.counts[READING]:,} records",
            )  # fmt: skip

    def _trouble(self, node: str) -> str:
        words = []
        if node in self._down:
            words.append(f"{self._down[node]}; {self._since(node)}")
        refused = self._refused.get(node, [])
        if refused:
            named = ", ".join(f"{each.path} ({each.reason})" for each in refused[:_NAMED])
            more = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
            words.append(f"{len(refused)} files not taken: {named}{more}")
        return "; ".join(words)

    def _since(self, node: str) -> str:
        newest = max((task.newest.get(node, 0.0) for task in self._tasks), default=0.0)
        if not newest:
            return "nothing of it was ever synced"
        told = datetime.fromtimestamp(newest, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"what it made after its last sync ({told}) is not here"


def _total(node: str, tasks: list[Task]) -> int | None:
    """Records of a node that are to be merged; None where some file's cannot be told before."""
    found = [each.new_records for t in tasks for each in t.pending.sources if each.node == node]
    known = [count for count in found if count is not None]
    return sum(known) if len(known) == len(found) else None
