"""One worker of one node as screens, alerts and the command line read it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from console import formatting
from console.fleet.workers import words
from console.fleet.workers.health import UNKNOWN, UNWELL
from console.fleet.workers.history import WorkerHistory
from workers.protocol import WorkerRecord

LIVE = frozenset({"created", "starting", "running", "stopping", "backoff"})

_ON_LIVE = frozenset({"stop", "kill", "drain", "restart", "restart_force"})
_ON_ENDED = frozenset({"restart", "restart_force", "forget"})
_COPY = re.compile(r"-\d+$")


@dataclass(frozen=True)
class WorkerView:
    """One run. A run of a node that is not seen now keeps its last known state: ``reachable`` is False.

    Rates are units per minute; times are seconds at the moment the view was made.
    """

    node: str
    record: WorkerRecord
    health: str = UNKNOWN
    reason: str = ""  # why its health is judged so; "" where it is ok
    per_minute: float | None = None
    usual_per_minute: float | None = None  # its own past
    shared_by: int = 0  # runs that the rate of one dataset is divided among; 0: the rate is its own
    eta_s: float | None = None
    reachable: bool = False
    age_s: float = 0.0  # since this was last known to hold
    over_s: float | None = None  # since it ended
    running_s: float | None = None  # of this attempt, until now or until it was last seen
    newest: bool = True  # of this name on this node: the one that commands act on
    history: WorkerHistory = field(default_factory=WorkerHistory, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """(node, run id): the same for the whole life of the run."""
        return (self.node, self.record.run_id)

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def live(self) -> bool:
        """Its state is one of a run that is not over, as last known."""
        return self.record.state in LIVE

    @property
    def since_s(self) -> float | None:
        """Seconds that it has been so: running, or over; None where it is not known."""
        return self.running_s if self.live else self.over_s

    @property
    def failed(self) -> bool:
        """Over, and neither done nor ended by our stop."""
        record = self.record
        return record.state == "lost" or (record.state == "exited" and record.exit_code != 0)

    @property
    def unwell(self) -> bool:
        """Something a person should look at."""
        record = self.record
        return self.health in UNWELL or self.failed or bool(record.kill_pending)

    @property
    def badness(self) -> int:
        """0 is the worst: what to list first."""
        if self.unwell:
            return 0
        return 1 if self.live else 2

    def accepts(self, act: str) -> bool:
        """True where this act makes sense in its state; whether its node can be reached is another matter."""
        if act == "drain" and (self.record.state == "stopping" or not self.record.drain):
            return False
        return act in (_ON_LIVE if self.live else _ON_ENDED)

    @property
    def sentence(self) -> str:
        """All of it in one: `running for 3 h, 312 a minute; stalled: nothing done for 12 min`."""
        text = words.wanted_and_actual(self.record)
        if self.since_s is not None:
            held = formatting.age(self.since_s)
            text += f" for {held}" if self.live else f", {held} ago"
        if self.live and self.per_minute is not None:
            text += f", {words.per_minute(self.per_minute)} a minute"
        if self.reason:
            word = words.health_word(self.health)
            text += f"; {word}: {self.reason}" if word else f"; {self.reason}"
        if not self.reachable:
            text += f"; as last seen {formatting.age(self.age_s)} ago"
        return text

    @property
    def stem(self) -> str:
        """What copies have in common: the name without its number."""
        return stem_of(self.record.name)

    @property
    def group(self) -> str:
        """What it is compared with: runs of the same preset, or of the same stem without one."""
        return group_of(self.record)


@lru_cache(maxsize=8192)
def stem_of(name: str) -> str:
    """`selfplay` of `selfplay-3`."""
    return _COPY.sub("", name) or name


def group_of(record: WorkerRecord) -> str:
    """What a run is compared with: runs of its preset, or of its stem without one."""
    return record.preset or stem_of(record.name)
