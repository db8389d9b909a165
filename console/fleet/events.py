"""What happened: the only way into the store. Each event names the node and when (our monotonic clock).

The name is the session's own, never a payload's: a node can only speak for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.fleet.model import NodeSpec, Problem
from workers.protocol import (
    DatasetReport,
    Heartbeat,
    Hello,
    Notice,
    Sample,
    WorkerRecord,
    WorkerReport,
)

if TYPE_CHECKING:
    from console.fleet.ledger import Consolidated, Entry
    from workers.ledger.shapes import Standing


@dataclass(frozen=True)
class NodeAdded:
    """A node entered the fleet, or its specification changed."""

    node: str
    at: float
    spec: NodeSpec


@dataclass(frozen=True)
class NodeRemoved:
    node: str
    at: float


@dataclass(frozen=True)
class NodeDetached:
    """Taken out of the settings while workers live there: listed on, with what was last known of them."""

    node: str
    at: float
    workers: WorkerReport | None = None  # None: what the store knows itself
    seen_at: float | None = None  # when that was last known to hold


@dataclass(frozen=True)
class LinkOpening:
    """The session is trying; `step` says how far it is."""

    node: str
    at: float
    attempt: int
    step: str


@dataclass(frozen=True)
class LinkUp:
    """Hello arrived."""

    node: str
    at: float
    hello: Hello
    clock: float  # our wall clock when it arrived


@dataclass(frozen=True)
class LinkLost:
    """The link ended or could not be made. `retry_at` is None where a person must act first."""

    node: str
    at: float
    problem: Problem
    attempt: int
    retry_at: float | None


@dataclass(frozen=True)
class HeartbeatArrived:
    node: str
    at: float
    heartbeat: Heartbeat
    clock: float
    round_trip_s: float | None = None


@dataclass(frozen=True)
class SampleArrived:
    node: str
    at: float
    sample: Sample


@dataclass(frozen=True)
class DatasetsArrived:
    node: str
    at: float
    report: DatasetReport


@dataclass(frozen=True)
class WorkersArrived:
    """All runs the node keeps."""

    node: str
    at: float
    report: WorkerReport


@dataclass(frozen=True)
class WorkerTold:
    """A node answered that it has this run: it starts here and now."""

    node: str
    at: float
    record: WorkerRecord


@dataclass(frozen=True)
class NoticeArrived:
    node: str
    at: float
    notice: Notice


@dataclass(frozen=True)
class LedgerLooked:
    """A node's files were compared with the manifests, or could not be: then each standing says why.

    `clock` is our wall clock; `node_key` is "" where the machine has not said it.
    """

    node: str
    at: float
    clock: float
    node_key: str
    standings: tuple[Standing, ...]
    stays: frozenset[str] = frozenset()  # datasets that no job brings from here


@dataclass(frozen=True)
class LedgerRecalled:
    """What another console, or an earlier life of this one, knew of a machine."""

    node: str
    at: float
    node_key: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class DestinationsRead:
    """The manifests of these datasets were read, or could not be."""

    at: float
    datasets: tuple[Consolidated, ...]


@dataclass(frozen=True)
class ClockTicked:
    """Time passed: links go stale, alerts' durations run out. Sent twice a second."""

    at: float
    clock: float


Event = (
    NodeAdded
    | NodeRemoved
    | NodeDetached
    | LinkOpening
    | LinkUp
    | LinkLost
    | HeartbeatArrived
    | SampleArrived
    | DatasetsArrived
    | WorkersArrived
    | WorkerTold
    | NoticeArrived
    | LedgerLooked
    | LedgerRecalled
    | DestinationsRead
    | ClockTicked
)
