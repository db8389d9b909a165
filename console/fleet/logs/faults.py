"""What went wrong, read off the lines: tracebacks, CUDA out of memory, NCCL, NaN, and plain errors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.fleet.logs.line import Line
from workers.protocol.fault_lines import (
    CUDA_OOM,
    ERROR,
    KINDS,
    NAN,
    NCCL,
    TRACEBACK,
    WITHIN,
    FaultFinder,
    frame_of,
    kind_of_raised,
    raised_by,
    shape_of,
)

__all__ = ["KINDS", "NAMES", "FaultFinder", "FaultGroup", "group"]

NAMES = {
    TRACEBACK: "traceback", CUDA_OOM: "CUDA out of memory", NCCL: "NCCL", NAN: "NaN", ERROR: "error",
}  # fmt: skip
_GROUPS = 200
_TITLE = 160
_Groups = dict[tuple[str, str, bytes], "FaultGroup"]


@dataclass
class FaultGroup:
    """The same fault, however often it came."""

    kind: str
    title: str
    count: int
    first: Line
    last: Line


def group(lines: Iterable[Line]) -> list[FaultGroup]:
    """The faults among these lines: the most serious kind first, then the newest.

    Numbers in the words do not tell two faults apart; the place in the program does.
    """
    groups: _Groups = {}
    open_heads: dict[tuple[int, int, int], tuple[Line, bytes]] = {}
    for line in lines:
        stream = (line.source, line.attempt, line.which)
        if line.kind == TRACEBACK:
            open_heads[stream] = (line, b"")
        elif line.kind == WITHIN:
            head, frame = open_heads.get(stream, (None, b""))
            if head is None:
                continue
            open_heads[stream] = (head, frame_of(line.data) or frame)
            if raised_by(line.data):
                _count(groups, kind_of_raised(line.data), line.text, frame, head)
                del open_heads[stream]
        elif line.kind in KINDS:
            _count(groups, line.kind, line.text, b"", line)
    for head, frame in open_heads.values():
        _count(groups, TRACEBACK, "a traceback without its end", frame, head)
    return sorted(groups.values(), key=lambda found: (KINDS.index(found.kind), -found.last.at))


def _count(groups: _Groups, kind: str, words: str, frame: bytes, line: Line) -> None:
    words = words.strip()[:_TITLE]
    title = f"{words} ({frame.decode('utf-8', 'replace')})" if frame else words
    key = (kind, shape_of(words), frame)
    known = groups.get(key)
    if known is not None:
        known.count += 1
        known.last, known.title = line, title
    elif len(groups) < _GROUPS:
        groups[key] = FaultGroup(kind, title, 1, line, line)
