"""What went wrong, read off the lines: tracebacks, CUDA out of memory, NCCL, NaN, and plain errors."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from console.fleet.logs.line import WITHIN, Line

TRACEBACK, CUDA_OOM, NCCL, NAN, ERROR = "traceback", "cuda_oom", "nccl", "nan", "error"
KINDS = (CUDA_OOM, NCCL, NAN, TRACEBACK, ERROR)
NAMES = {
    TRACEBACK: "traceback", CUDA_OOM: "CUDA out of memory", NCCL: "NCCL", NAN: "NaN", ERROR: "error",
}  # fmt: skip
_GROUPS = 200
_TITLE = 160

_HINT = re.compile(
    rb"rror|Traceback|xception|NaN|nan|NAN|CUDA|NCCL|nccl|FATAL|CRITICAL|fatal|out of memory"
    rb"|OutOfMemory|RESOURCE_EXHAUSTED|egmentation|core dumped|ERROR|PANIC|panic|Killed|Watchdog"
)
_HEAD = re.compile(rb"^(?:\S{0,24}[\]:] ?)?(?:  ?[|+] ?)?Traceback \(most recent call last\):")
_OOM = re.compile(
    rb"CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|cuda.{0,24}OutOfMemoryError|OutOfMemoryError: CUDA"
    rb"|RESOURCE_EXHAUSTED: Out of memory|CUDA error: out of memory"
)
_NCCL = re.compile(
    rb"NCCL (?:WARN|[Ee]rror|ERROR|failure|timeout)|nccl(?:Unhandled|Internal|System|Remote|Invalid)\w*"
    rb"|Watchdog caught collective|ProcessGroupNCCL.{0,80}(?:[Tt]imeout|[Aa]bort|[Ff]ail)|NCCL communicator was aborted"
)
_NAN = re.compile(rb"(?:[=:(\[, ]|^)[+-]?(?:nan|NaN|NAN)(?=$|[\s,;)\]}%|/])")
_ERROR = re.compile(
    rb"\b(?:ERROR|FATAL|CRITICAL|PANIC)\b|^\s{0,2}[\w.]*(?:Error|Exception)(?::|$)|\b(?:error|fatal|panic):"
    rb"|\bException in thread\b|[Ss]egmentation fault|core dumped|^Killed$"
)
_RANK = re.compile(rb"^(?:\[?rank ?\d+\]?:? ?|\[\d+\]:? ?)")
_RAISED = re.compile(rb"^\s{0,2}[\w.]+(?::|$)")
_FRAME = re.compile(rb'File "([^"]{1,300})", line (\d+)')
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?")
_COLOUR = re.compile(rb"\x1b\[[0-9;:]*m")


class FaultFinder:
    """The lines of one stream in their order."""

    def __init__(self) -> None:
        self._frame = b""
        self._within = False

    def kind(self, data: bytes) -> str:
        """ "" for a line that says nothing bad; WITHIN for one that goes on with a traceback."""
        if not self._within and not _HINT.search(data):
            return ""
        if b"\x1b" in data:
            data = _COLOUR.sub(b"", data)
        if _HEAD.match(data):
            self._within = True
            return TRACEBACK
        if self._within:
            return self._go_on(data)
        return _plain_kind(data)

    def _go_on(self, data: bytes) -> str:
        line = _RANK.sub(b"", data)
        if line[:1] in (b" ", b"\t", b"|", b"+", b"") or not line.strip():
            return WITHIN
        self._within = False
        return WITHIN if _RAISED.match(line) else _plain_kind(data)


def _plain_kind(data: bytes) -> str:
    if _OOM.search(data):
        return CUDA_OOM
    if _NCCL.search(data):
        return NCCL
    if _ERROR.search(data):
        return ERROR
    return NAN if _NAN.search(data) else ""


@dataclass
class FaultGroup:
    """The same fault, however often it came."""

    kind: str
    title: str
    count: int
    first: Line
    last: Line


def group(lines: Iterable[Line]) -> list[FaultGroup]:
    """The faults among these lines: the most serious kind first, then the newest. Numbers do not tell apart."""
    groups: dict[tuple[str, str], FaultGroup] = {}
    open_heads: dict[tuple[int, int, int], tuple[Line, bytes]] = {}
    for line in lines:
        stream = (line.source, line.attempt, line.which)
        if line.kind == TRACEBACK:
            open_heads[stream] = (line, b"")
        elif line.kind == WITHIN:
            head, frame = open_heads.get(stream, (None, b""))
            if head is None:
                continue
            found = _FRAME.search(line.data)
            if found:
                open_heads[stream] = (head, b"%s:%s" % (found[1].rpartition(b"/")[2], found[2]))
            elif line.data[:1] not in (b" ", b"\t", b"") and _RAISED.match(
                _RANK.sub(b"", line.data)
            ):
                _count(groups, _kind_of(line.data), _titled(line, frame), head)
                del open_heads[stream]
        elif line.kind in KINDS:
            _count(groups, line.kind, line.text.strip(), line)
    for head, frame in open_heads.values():
        _count(groups, TRACEBACK, f"a traceback without its end ({frame.decode('utf-8', 'replace')})", head)  # fmt: skip
    return sorted(groups.values(), key=lambda found: (KINDS.index(found.kind), -found.last.at))


def _kind_of(raised: bytes) -> str:
    if _OOM.search(raised):
        return CUDA_OOM
    return NCCL if _NCCL.search(raised) else TRACEBACK


def _titled(line: Line, frame: bytes) -> str:
    where = f" ({frame.decode('utf-8', 'replace')})" if frame else ""
    return f"{line.text.strip()[:_TITLE]}{where}"


def _count(groups: dict[tuple[str, str], FaultGroup], kind: str, title: str, line: Line) -> None:
    key = (kind, _NUMBER.sub("#", title[:_TITLE]))
    known = groups.get(key)
    if known is not None:
        known.count += 1
        known.last, known.title = line, title
    elif len(groups) < _GROUPS:
        groups[key] = FaultGroup(kind, title, 1, line, line)
