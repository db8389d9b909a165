"""Which processes are shown and in which order: filter, owner, sort, tree. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from workers.protocol import Process

Accepts = Callable[[Process], bool]


class Row(NamedTuple):
    """A process and the branches drawn before its command in the tree."""

    process: Process
    branch: str = ""


def key_of(process: Process) -> str:
    """A row's key: never the number alone, so a number that is used again is another row."""
    return f"{process.pid}:{process.start_ticks}"


def matcher(text: str) -> Accepts:
    """What a filter accepts: all words, each somewhere in name, command, user or number.

    `user:mara`, `state:R`, `pid:77`, `cpu>50` (percent of a core) and `!word` are understood. Raises
    ValueError for a number that is none.
    """
    tests = [_test(word) for word in text.split()]
    return lambda process: all(test(process) for test in tests)


def _test(word: str) -> Accepts:
    if len(word) > 1 and word.startswith("!"):
        inner = _test(word[1:])
        return lambda process: not inner(process)
    for mark in (">", "<"):
        name, found, limit = word.partition(mark)
        if found and name == "cpu":
            return _compare(mark, _number(limit, word))
    name, found, wanted = word.partition(":")
    if found and name in ("user", "state", "pid"):
        return lambda process: str(getattr(process, name)).lower() == wanted.lower()
    needle = word.lower()
    return lambda process: needle in _haystack(process)


def _compare(mark: str, limit: float) -> Accepts:
    if mark == ">":
        return lambda process: (process.cpu_percent or 0.0) > limit
    return lambda process: (process.cpu_percent or 0.0) < limit


def _number(text: str, word: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{word}: wanted a number after {word[: -len(text)] or word}") from None


def _haystack(process: Process) -> str:
    return f"{process.pid} {process.user} {process.name} {process.command}".lower()


SORTS: dict[str, Callable[[Process], tuple[object, ...]]] = {
    "pid": lambda p: (p.pid,),
    "user": lambda p: (p.user, p.pid),
    "state": lambda p: (p.state, p.pid),
    "cpu": lambda p: (p.cpu_percent or 0.0, -p.pid),
    "memory": lambda p: (p.memory_bytes or 0, -p.pid),
    "gpu": lambda p: (p.gpu_memory_bytes or 0, p.memory_bytes or 0, -p.pid),
    "threads": lambda p: (p.threads or 0, -p.pid),
    "age": lambda p: (-(p.started_at or 0.0), -p.pid),
    "command": lambda p: (p.command.lower(), p.pid),
}


def flat(processes: Iterable[Process], accepts: Accepts, sort: str, descending: bool) -> list[Row]:
    """The accepted processes in order."""
    chosen = (process for process in processes if accepts(process))
    return [Row(process) for process in sorted(chosen, key=SORTS[sort], reverse=descending)]


def tree(
    processes: Sequence[Process],
    accepts: Accepts,
    sort: str,
    descending: bool,
    lines: tuple[str, str, str] = ("├─", "└─", "│ "),
) -> list[Row]:
    """Children below their parents; a process is kept where it or anything below it is accepted."""
    known = {process.pid for process in processes}
    children: dict[int, list[Process]] = {}
    for process in sorted(processes, key=SORTS[sort], reverse=descending):
        parent = process.parent_pid if process.parent_pid in known else 0
        if parent != process.pid:
            children.setdefault(parent, []).append(process)
    kept = _kept(processes, accepts)
    rows: list[Row] = []
    waiting = [(p, "", "") for p in reversed(_among(children.get(0, []), kept))]
    while waiting:
        process, before, own = waiting.pop()
        rows.append(Row(process, before + own))
        below = _among(children.get(process.pid, []), kept)
        deeper = before + (lines[2] if own == lines[0] else "  " if own else "")
        last = len(below) - 1
        waiting += [
            (child, deeper, lines[1] if place == last else lines[0])
            for place, child in reversed(list(enumerate(below)))
        ]
    shown = {row.process.pid for row in rows}  # parents that form a ring hide nobody
    return [*rows, *(Row(p) for p in _among(processes, kept - shown))]


def _among(processes: Sequence[Process], kept: set[int]) -> list[Process]:
    return [process for process in processes if process.pid in kept]


def _kept(processes: Sequence[Process], accepts: Accepts) -> set[int]:
    """The accepted and all above them."""
    parents = {process.pid: process.parent_pid for process in processes}
    kept: set[int] = set()
    for process in processes:
        if accepts(process):
            pid = process.pid
            while pid in parents and pid not in kept:
                kept.add(pid)
                pid = parents[pid]
    return kept
