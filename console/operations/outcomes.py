"""Which run a command is for, and what became of the command."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from console.backends.backend import REFUSALS
from console.errors import QuarterdeckError, Refused, RequestFailed, RequestLost
from workers.protocol import WorkerRecord

NOT_CONNECTED = "not_connected"


@dataclass(frozen=True)
class Target:
    """One run of one node. With `sequence`, a command is refused where somebody wanted something else since."""

    node: str
    run_id: str
    name: str
    sequence: int | None = None

    @classmethod
    def of(cls, node: str, record: WorkerRecord) -> Target:
        """The run as it was seen, so that a command to it is for what was seen."""
        return cls(node, record.run_id, record.name, record.sequence)

    def __str__(self) -> str:
        return f"{self.name}@{self.node}"


class Verdict(str, Enum):
    DONE = "done"
    REFUSED = "refused"  # by a guard here, or by the node: nothing was changed
    FAILED = "failed"  # nothing was changed, or what was wanted did not come about
    UNREACHABLE = "unreachable"  # nothing was sent
    UNKNOWN = "unknown"  # sent, and no reply came


@dataclass(frozen=True)
class Outcome:
    """What became of one command to one run. Only DONE is success."""

    node: str
    name: str
    verdict: Verdict
    text: str = ""
    run_id: str = ""
    record: WorkerRecord | None = None
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """(node, run id), as a worker's view has it."""
        return (self.node, self.run_id)

    @property
    def done(self) -> bool:
        return self.verdict is Verdict.DONE


def verdict_of(error: QuarterdeckError) -> Verdict:
    """How an error is to be taken."""
    if isinstance(error, Refused):
        return Verdict.REFUSED
    if isinstance(error, RequestLost):
        return Verdict.UNKNOWN
    if isinstance(error, RequestFailed):
        if error.code == NOT_CONNECTED:
            return Verdict.UNREACHABLE
        return Verdict.REFUSED if error.code in REFUSALS else Verdict.FAILED
    return Verdict.FAILED


def failure(target: Target, error: QuarterdeckError) -> Outcome:
    """The outcome of a command that raised."""
    return Outcome(target.node, target.name, verdict_of(error), str(error), target.run_id)
