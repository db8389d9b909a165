"""The nouns: what a node is told to be, the state of its link, and what is known of it.

All times named ``…_at`` without more are the console's monotonic clock in seconds, handed in by the
caller; wall-clock times are named ``clock``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from workers.protocol import (
    DatasetCount,
    DatasetReport,
    DatasetWatch,
    GpuReport,
    Hello,
    Notice,
    Sample,
    WorkerRecord,
    WorkerReport,
)

STALE_AFTER_S = 3.0
DOWN_AFTER_S = 15.0


class Transport(str, Enum):
    """How a node is reached."""

    LOCAL = "local"
    SSH = "ssh"
    MEMORY = "memory"


@dataclass(frozen=True)
class NodeSpec:
    """A node as the settings or the command line name it. ``None`` means: as OpenSSH's config says."""

    name: str
    transport: Transport = Transport.SSH
    address: str | None = None
    user: str | None = None
    port: int | None = None
    identity: str | None = None
    jump: str | None = None
    tags: tuple[str, ...] = ()
    root: str = ""  # of relative dataset paths; "" is the home directory there
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    disks: tuple[str, ...] = ()  # paths to watch; empty: chosen by the agent
    datasets: tuple[DatasetWatch, ...] = ()  # those whose selector takes this node
    hidden_while_empty: frozenset[str] = (
        frozenset()
    )  # names of those nobody sees before they have a file

    @property
    def expected_datasets(self) -> tuple[DatasetWatch, ...]:
        """Those that are seen even where they are empty or not counted yet."""
        return tuple(d for d in self.datasets if d.name not in self.hidden_while_empty)


class ProblemKind(str, Enum):
    """Why there is no link: the words that differ on a node's row."""

    NAME_UNKNOWN = "name unknown"
    REFUSED = "refused"
    TIMED_OUT = "timed out"
    UNREACHABLE = "unreachable"
    LOST = "connection lost"
    THROTTLED = "throttled by the server"
    HOST_KEY_UNKNOWN = "host key unknown"
    HOST_KEY_CHANGED = "host key changed"
    HOST_KEY_REVOKED = "host key revoked"
    AUTHENTICATION = "authentication failed"
    NO_PYTHON = "no python3"
    AGENT_FAILED = "agent failed"
    SHELL = "shell unusable"
    CONFIGURATION = "configuration"
    INCOMPATIBLE = "versions differ"


STICKY_PROBLEMS = frozenset(
    {
        ProblemKind.HOST_KEY_UNKNOWN,
        ProblemKind.HOST_KEY_CHANGED,
        ProblemKind.HOST_KEY_REVOKED,
        ProblemKind.AUTHENTICATION,
        ProblemKind.NO_PYTHON,
        ProblemKind.AGENT_FAILED,
        ProblemKind.SHELL,
        ProblemKind.CONFIGURATION,
        ProblemKind.INCOMPATIBLE,
    }
)


@dataclass(frozen=True)
class HostKey:
    """A host key that waits for a person's trust, or that is blocked."""

    name: str  # as known_hosts would list it, "[host]:port" where the port is not 22
    algorithm: str
    fingerprint: str  # "SHA256:…"
    line: str  # the known_hosts line that trusting it would write
    known_fingerprints: tuple[str, ...] = ()  # of a changed key: those on file
    known_at: tuple[str, ...] = ()  # "path:line" of each


@dataclass(frozen=True)
class Problem:
    """Why a node has no link, in one sentence, and what a person can do."""

    kind: ProblemKind
    text: str
    remedy: str = ""
    host_key: HostKey | None = None

    @property
    def sticky(self) -> bool:
        """True where trying again by itself would be useless or harmful: a person must act."""
        return self.kind in STICKY_PROBLEMS


# The state of a link: one of these, each with exactly its own data.


@dataclass(frozen=True)
class Connecting:
    since: float
    attempt: int = 1
    step: str = "connecting"  # in words: connecting, authenticating, sending the agent, starting

    word = "connecting"


@dataclass(frozen=True)
class Up:
    since: float

    word = "up"


@dataclass(frozen=True)
class Stale:
    """The link stands but no heartbeat came for STALE_AFTER_S."""

    since: float
    up_since: float

    word = "stale"


@dataclass(frozen=True)
class Down:
    since: float
    problem: Problem
    retry_at: float | None = None
    attempt: int = 0

    word = "down"


@dataclass(frozen=True)
class Attention:
    """Waits for a person; never retried by itself."""

    since: float
    problem: Problem

    word = "attention"


@dataclass(frozen=True)
class Detached:
    """Taken out of the settings while workers live there."""

    since: float

    word = "detached"


LinkState = Connecting | Up | Stale | Down | Attention | Detached


@dataclass(frozen=True)
class LinkLoss:
    """How the link ended; kept until it is made again. A lost link is stale and down by the heartbeats' age."""

    at: float
    problem: Problem
    attempt: int = 0
    retry_at: float | None = None


@dataclass(frozen=True)
class Node:
    """All that is known of one node now. Replaced whole at each change."""

    spec: NodeSpec
    link: LinkState
    hello: Hello | None = None
    sample: Sample | None = None
    sample_at: float | None = None
    heartbeat_at: float | None = None
    datasets: DatasetReport | None = None
    datasets_at: float | None = None
    workers: WorkerReport | None = None  # the newest, whatever link brought it
    workers_at: float | None = None  # when it came; None where this link has brought none yet
    workers_seen_at: float | None = None  # when it was last known to hold
    told: tuple[
        tuple[float, WorkerRecord], ...
    ] = ()  # runs that were answered, and when, before any report
    clock_offset_s: float | None = None  # node's wall clock minus ours
    round_trip_s: float | None = None
    same_as: str | None = None  # the name of another entry that is the same machine
    lost: LinkLoss | None = None  # how the link ended, while it has not been made again
    notices: tuple[Notice, ...] = field(default=())  # the last few

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def state(self) -> str:
        """The word of CONTRACTS: connecting, up, stale, down, attention, detached."""
        return self.link.word

    @property
    def reason(self) -> str:
        """Why it is so, in words; empty when up."""
        if isinstance(self.link, (Down, Attention)):
            return self.link.problem.text
        if isinstance(self.link, Connecting):
            return self.link.step
        if isinstance(self.link, Stale):
            why = self.lost.problem.text if self.lost else "no heartbeat"
            return f"{why}; the last figures are shown with their age"
        if isinstance(self.link, Detached):
            return "taken out of the settings while workers live there"
        return ""

    @property
    def counts(self) -> tuple[DatasetCount, ...]:
        """Of its datasets that are to be seen, as last counted."""
        hidden = self.spec.hidden_while_empty
        counts = self.datasets.counts if self.datasets else ()
        return tuple(
            c for c in counts if c.name not in hidden or c.files or c.unreadable_files or c.faults
        )

    @property
    def gpu(self) -> GpuReport:
        return self.sample.gpu if self.sample else GpuReport()
