"""Everything about one run, on request: its spec, its history in words, its metrics, its processes."""

import json
import os
import stat
from collections import deque
from typing import Any, Deque, Dict, List, Tuple

from workers.agent.processes import command_line
from workers.agent.workers.event_words import in_words
from workers.agent.workers.progress import number
from workers.machine import process, procfs
from workers.protocol import DescribeWorker, Failure, MetricSeries, WorkerDetails
from workers.supervisor.run import Run

TAIL_BYTES = 1024 * 1024
MOST_METRICS = 100
MOST_POINTS = 2000
_MOST_EVENTS = 500
_MOST_PROCESSES = 200
_NAME = 120
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def describe(message: DescribeWorker, node: Any) -> Any:
    """``WorkerDetails``, or a Failure where there is no such run. ``node`` is the ``WorkerRoom``."""
    run = node.runs().get(message.run_id)
    if run is None:
        return Failure("gone", f"there is no run {message.run_id[:64]} on this node")
    record = node.record(run)
    history = run.events()[-_MOST_EVENTS:]
    attempt = run.newest_attempt()
    metrics: Tuple[MetricSeries, ...] = ()
    if attempt is not None:
        metrics = series(attempt.metrics, max(1, min(message.points, MOST_POINTS)))
    return WorkerDetails(
        record=record,
        spec=run.spec(),
        directory=run.paths.folder,
        events=in_words(tuple(history)),
        metrics=metrics,
        processes=tree_lines(run),
    )


def series(path: str, points: int) -> Tuple[MetricSeries, ...]:
    """The newest points of each metric, from the end of metrics.jsonl; odd lines are skipped."""
    found: Dict[str, Deque[Tuple[float, float]]] = {}
    for line in _tail(path).split(b"\n"):
        point = _point(line)
        if point is None:
            continue
        name, step, value = point
        if name not in found:
            if len(found) >= MOST_METRICS:
                continue
            found[name] = deque(maxlen=points)
        found[name].append((step, value))
    return tuple(
        MetricSeries(name, tuple(step for step, _ in kept), tuple(value for _, value in kept))
        for name, kept in found.items()
    )


def tree_lines(run: Run) -> Tuple[str, ...]:
    """Its processes, parents before children, indented by generation."""
    now, table = run.condition(), process.table()
    main = table.get(now.pid or 0)
    if main is None or main.ticks != now.ticks:
        return ()
    children: Dict[int, List[int]] = {}
    for row in process.descendants([main.pid], table):
        children.setdefault(row.parent, []).append(row.pid)
    lines: List[str] = []
    waiting = [(main.pid, 0)]
    while waiting and len(lines) < _MOST_PROCESSES:
        pid, depth = waiting.pop()
        command = command_line(procfs.read(f"/proc/{pid}/cmdline", 8192) or b"")
        lines.append("  " * min(depth, 20) + f"{pid} {command or '(ended)'}"[:1000])
        waiting += [(child, depth + 1) for child in sorted(children.get(pid, ()), reverse=True)]
    return tuple(lines)


def _point(line: bytes) -> "Tuple[str, float, float] | None":
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if type(body) is not dict or type(body.get("name")) is not str:
        return None
    step, value = number(body.get("step")), number(body.get("value"))
    if step is None or value is None:
        return None
    return body["name"][:_NAME], step, value


def _tail(path: str) -> bytes:
    """The last whole lines of a file, at most ``TAIL_BYTES``."""
    try:
        file = os.open(path, _READ)
    except OSError:
        return b""
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            return b""
        start = max(0, status.st_size - TAIL_BYTES)
        data = os.pread(file, TAIL_BYTES, start)
    except OSError:
        return b""
    finally:
        os.close(file)
    return data if start == 0 else data.partition(b"\n")[2]
