"""A run's files in the words of the protocol. Pure: clocks come in as values."""

from typing import List, NamedTuple, Optional, Tuple

from workers.protocol import WorkerRecord, WorkerSpec
from workers.supervisor.condition import BACKOFF, LOST, RUNNING, STOPPING, Condition
from workers.supervisor.desired import Desired

_COMMAND_CHARACTERS = 4096
_TEXT = 1000
_WARNINGS = 8


class Clocks(NamedTuple):
    """One instant: ``wall`` for people, ``boottime`` decides, in the boot that ``boot_id`` names."""

    wall: float
    boottime: float
    boot_id: str


class Passing(NamedTuple):
    """What changes in a record by the passing of time alone, seconds."""

    running_s: Optional[float] = None
    restart_in_s: Optional[float] = None
    stopping_s: Optional[float] = None


def record_of(
    spec: WorkerSpec,
    condition: Condition,
    desired: Desired,
    boot_id: str,
    warnings: Tuple[str, ...] = (),
    unreadable: Optional[str] = None,
) -> WorkerRecord:
    """What the run's own files say and time alone does not change.

    The figures of its processes and logs are added by who has them.
    """
    condition = as_of(condition, boot_id)
    return WorkerRecord(
        run_id=spec.run_id,
        name=spec.name,
        state=condition.state,
        desired=desired.want,
        flags=_flags(condition),
        lost_reason=condition.lost_reason,
        preset=spec.preset,
        kind=spec.kind,
        command=cut(spec.command),
        attempt=condition.attempt,
        restarts=condition.restarts,
        crash_loop=condition.crash_loop,
        pid=condition.pid,
        start_ticks=condition.ticks,
        exit_code=condition.exit_code,
        signal=condition.signal,
        oom=condition.oom,
        core=condition.core,
        error=unreadable or (condition.error and condition.error[:_TEXT]),
        started_at=condition.started_wall,
        ended_at=None if condition.live else condition.ended_wall,
        last_seen_at=condition.last_seen,
        grace_s=spec.grace_s if desired.grace_s is None else desired.grace_s,
        leftovers=condition.leftovers,
        kill_pending=condition.kill_pending,
        sequence=desired.sequence,
        by=desired.by or spec.by,
        drain=spec.drain,
        gpu_indices=spec.gpu_indices,
        singleton=spec.singleton,
        singleton_scope=spec.singleton_scope,
        progress_dataset=spec.progress_dataset,
        warnings=tuple(text[:_TEXT] for text in warnings[:_WARNINGS]),
        tags=spec.tags,
    )


def passing(condition: Condition, clocks: Clocks) -> Passing:
    """The other part of the record."""
    condition = as_of(condition, clocks.boot_id)
    if condition.state == BACKOFF:
        return Passing(restart_in_s=_until(condition.restart_at, clocks))
    if condition.state not in (RUNNING, STOPPING):
        return Passing()
    stopping = condition.stopping_since if condition.state == STOPPING else None
    return Passing(
        running_s=_since(condition.attempt_started, clocks), stopping_s=_since(stopping, clocks)
    )


def as_of(condition: Condition, boot_id: str) -> Condition:
    """Nothing of an earlier boot lives, whether or not somebody has written it down yet."""
    before = condition.attempt_boot_id
    if condition.pid is None or not before or not boot_id or before == boot_id:
        return condition
    return condition._replace(state=LOST, lost_reason="reboot", pid=None, ticks=None)


def cut(command: Tuple[str, ...]) -> Tuple[str, ...]:
    """A command line for showing: long ones lose their end."""
    found: List[str] = []
    room = _COMMAND_CHARACTERS
    for word in command:
        if len(word) > room:
            found.append(word[:room] + "…")
            break
        found.append(word)
        room -= len(word)
    return tuple(found)


def _flags(condition: Condition) -> Tuple[str, ...]:
    return tuple(
        name
        for name, holds in (
            ("adopted", condition.adopted),
            ("unguarded", condition.unguarded and condition.live),
            ("kill_pending", bool(condition.kill_pending)),
        )
        if holds
    )


def _since(moment: Optional[float], clocks: Clocks) -> Optional[float]:
    return None if moment is None else max(0.0, round(clocks.boottime - moment, 1))


def _until(moment: Optional[float], clocks: Clocks) -> Optional[float]:
    return None if moment is None else max(0.0, round(moment - clocks.boottime, 1))
