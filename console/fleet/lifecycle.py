"""How the state of a link changes: an event and a node give the node after it. No clock: `at` is handed in.

Heartbeats decide, not samples: a link without one for STALE_AFTER_S is stale, for DOWN_AFTER_S down, and
up again with the next. A problem that a person must solve puts the node in attention at once.
"""

from __future__ import annotations

from typing import Any

from console.fleet.events import (
    HeartbeatArrived,
    LinkLost,
    LinkOpening,
    LinkUp,
    NodeDetached,
    SampleArrived,
    WorkersArrived,
    WorkerTold,
)
from console.fleet.model import (
    DOWN_AFTER_S,
    STALE_AFTER_S,
    Attention,
    Connecting,
    Detached,
    Down,
    LinkLoss,
    Node,
    Problem,
    ProblemKind,
    Stale,
    Up,
)
from workers.protocol import WorkerReport

TOLD_FOR_S = 3.0  # a report may have been on its way already when a run was answered
SKEW_BADGE_S = 10.0  # a clock further off than this is shown
SLOW_ROUND_TRIP_S = 1.0  # a link slower than this is called slow; slow is not down
_OF_ONE_MACHINE = (
    "sample",
    "sample_at",
    "datasets",
    "datasets_at",
    "workers",
    "workers_at",
    "workers_seen_at",
)
_OFFSET_STEP_S = 1.0  # a jump larger than this is a clock that was set, not jitter


def evolve(node: Node, **changes: Any) -> Node:
    """`node` with fields replaced. Five times cheaper than dataclasses.replace, and called for each message."""
    copy = object.__new__(Node)
    fields = copy.__dict__
    fields.update(node.__dict__)
    fields.update(changes)
    return copy


def opening(node: Node, event: LinkOpening) -> Node:
    """The session tries. A node that was up or is down keeps its state, and so its reason."""
    link = node.link
    if isinstance(link, (Up, Stale)):
        return node
    if isinstance(link, Down):
        return evolve(node, link=Down(link.since, link.problem, None, event.attempt))
    since = link.since if isinstance(link, Connecting) else event.at
    return evolve(node, link=Connecting(since, event.attempt, event.step))


def made(node: Node, event: LinkUp) -> Node:
    """Hello arrived. What another machine under this name told before is forgotten."""
    known: dict[str, Any] = {}
    if node.hello is not None and node.hello.node_key != event.hello.node_key:
        known = {**dict.fromkeys(_OF_ONE_MACHINE), "told": ()}
    return evolve(
        node,
        link=Up(event.at),
        hello=event.hello,
        heartbeat_at=event.at,
        clock_offset_s=event.hello.clock - event.clock,
        round_trip_s=None,
        lost=None,
        **{"workers_at": None, **known},
    )


def lost(node: Node, event: LinkLost) -> Node:
    """The link ended or was not made."""
    loss = LinkLoss(event.at, event.problem, event.attempt, event.retry_at)
    link = node.link
    if event.problem.sticky:
        since = link.since if isinstance(link, Attention) else event.at
        return evolve(node, link=Attention(since, event.problem), lost=loss)
    if isinstance(link, (Up, Stale)):
        return evolve(node, lost=loss)
    since = link.since if isinstance(link, Down) else event.at
    return evolve(node, link=Down(since, event.problem, event.retry_at, event.attempt), lost=loss)


def detached(node: Node, event: NodeDetached) -> Node:
    """Nobody asks it any more. What it told of its workers stays; the rest is of no use."""
    known: dict[str, Any] = {}
    if event.workers is not None:
        known = {"workers": event.workers, "workers_seen_at": event.seen_at}
    return evolve(
        node,
        link=Detached(event.at),
        sample=None,
        sample_at=None,
        workers_at=None,
        lost=None,
        **known,
    )


def heartbeat(node: Node, event: HeartbeatArrived) -> Node:
    """A sign of life: a stale or silently down link is up again. One that was queued before a loss is void."""
    link = node.link
    if node.lost is not None or isinstance(link, (Connecting, Attention, Detached)):
        return node
    changes: dict[str, Any] = {
        "heartbeat_at": event.at,
        "clock_offset_s": clock_offset(node.clock_offset_s, event),
    }
    if node.workers_at is not None:
        changes["workers_seen_at"] = event.at
    if event.round_trip_s is not None:
        changes["round_trip_s"] = event.round_trip_s
    if isinstance(link, Stale):
        changes["link"] = Up(link.up_since)
    elif isinstance(link, Down):
        changes["link"] = Up(event.at)
    return evolve(node, **changes)


def sampled(node: Node, event: SampleArrived) -> Node:
    """A reading. One that comes late makes no node up, and is no news of one that is down."""
    if not isinstance(node.link, (Up, Stale)):
        return node
    return evolve(node, sample=event.sample, sample_at=event.at)


def reported(node: Node, event: WorkersArrived) -> Node:
    """A report of the workers. It comes only where something changed, so each that a standing link brings
    counts, of a silent node too. Where the run directories cannot be read, what was known stays as it was."""
    if node.lost is not None or isinstance(node.link, (Connecting, Attention)):
        return node
    report = event.report
    if report.fault is not None and not report.workers and node.workers is not None:
        report = report._replace(workers=node.workers.workers)
    changes = {"workers_at": event.at, "workers_seen_at": event.at}
    if node.told:
        known = {record.run_id for record in report.workers}
        told = tuple(
            (at, record)
            for at, record in node.told
            if event.at - at < TOLD_FOR_S and record.run_id not in known
        )
        report = report._replace(workers=(*(record for _, record in told), *report.workers))
        return evolve(node, workers=report, told=told, **changes)
    return evolve(node, workers=report, **changes)


def told(node: Node, event: WorkerTold) -> Node:
    """A run that the next report will have, and one that is on its way has not yet."""
    report = node.workers or WorkerReport(0.0)
    if any(record.run_id == event.record.run_id for record in report.workers):
        return node
    report = report._replace(workers=(event.record, *report.workers))
    return evolve(node, workers=report, told=((event.at, event.record), *node.told))


def aged(node: Node, at: float, watched_since: float) -> Node:
    """Time passed. `watched_since`: when the console last woke; its own sleep is no silence of the node's."""
    link = node.link
    if not isinstance(link, (Up, Stale)):
        return node
    heard = node.heartbeat_at if node.heartbeat_at is not None else link.since
    silence = min(at - heard, at - watched_since + STALE_AFTER_S)
    if silence >= DOWN_AFTER_S:
        loss = node.lost
        problem = loss.problem if loss else _silent(at - heard)
        retry_at = loss.retry_at if loss else None
        return evolve(node, link=Down(at, problem, retry_at, loss.attempt if loss else 0))
    if silence >= STALE_AFTER_S and isinstance(link, Up):
        return evolve(node, link=Stale(at, link.since))
    return node


def clock_offset(before: float | None, event: HeartbeatArrived) -> float:
    """Seconds the node's wall clock is ahead of ours; half the round trip is taken for the way here."""
    offset = event.heartbeat.clock + (event.round_trip_s or 0.0) / 2.0 - event.clock
    if before is None or abs(offset - before) > _OFFSET_STEP_S:
        return offset
    return before + (offset - before) * 0.1


def is_skewed(node: Node, limit_s: float = SKEW_BADGE_S) -> bool:
    """True where the node's clock is so far off that its times need a badge."""
    return node.clock_offset_s is not None and abs(node.clock_offset_s) > limit_s


def is_slow(node: Node) -> bool:
    """True where the link answers, but slowly."""
    return node.round_trip_s is not None and node.round_trip_s > SLOW_ROUND_TRIP_S


def _silent(silence_s: float) -> Problem:
    return Problem(
        ProblemKind.TIMED_OUT,
        f"no heartbeat for {silence_s:.0f} s though the link was not closed",
        "Check the network and the load of the node; it comes back by itself.",
    )
