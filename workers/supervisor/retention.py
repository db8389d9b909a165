"""Which ended runs are kept. Pure, but for the measuring."""

import os
from typing import Dict, List, NamedTuple, Sequence, Tuple

from workers.supervisor.paths import STREAMS, RunPaths

RUNS_PER_NAME = 20
LOG_BYTES = 2 * 1024**3  # of one node


class Kept(NamedTuple):
    """One run as retention sees it. Only a ``finished`` one can go."""

    run_id: str
    name: str
    finished: bool
    ended_wall: (
        float  # the oldest goes first; a clock that was set wrong changes the order and no more
    )
    serial: int
    log_bytes: int


def surplus(
    runs: Sequence[Kept], per_name: int = RUNS_PER_NAME, log_bytes: int = LOG_BYTES
) -> Tuple[str, ...]:
    """The ids of the runs that go, the oldest first. The logs of what lives count and stay."""
    finished = sorted(
        (run for run in runs if run.finished), key=lambda run: (run.ended_wall, run.serial)
    )
    going = _beyond(finished, per_name)
    total = sum(run.log_bytes for run in runs) - sum(run.log_bytes for run in going)
    for run in finished:
        if total <= log_bytes:
            break
        if run not in going and run.log_bytes > 0:
            going.append(run)
            total -= run.log_bytes
    return tuple(run.run_id for run in finished if run in going)


def log_bytes_of(paths: RunPaths) -> int:
    """What the logs of a run take on the disk: holes take nothing. Unreadable counts as nothing."""
    total = 0
    for number in paths.attempts():
        try:
            with os.scandir(paths.attempt(number).folder) as entries:
                for entry in entries:
                    if entry.name.split(".")[0] in STREAMS:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue
    return total


def _beyond(finished: Sequence[Kept], per_name: int) -> List[Kept]:
    """All but the newest of each name."""
    by_name: Dict[str, List[Kept]] = {}
    for run in finished:
        by_name.setdefault(run.name, []).append(run)
    return [run for runs in by_name.values() for run in runs[: max(0, len(runs) - per_name)]]
