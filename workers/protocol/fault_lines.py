"""What of a log says that something went wrong: the rules by which node and console both read lines.

Tracebacks of Python, CUDA out of memory, NCCL, losses that are no number, plain errors. Every expression is
bounded: no line makes one slow.
"""

import re
from typing import Optional

TRACEBACK, CUDA_OOM, NCCL, NAN, ERROR = "traceback", "cuda_oom", "nccl", "nan", "error"
WITHIN = "within"  # a line that goes on with a traceback
KINDS = (CUDA_OOM, NCCL, NAN, TRACEBACK, ERROR)  # the most serious first
LONGEST_BYTES = 4096  # what is looked at of a line

_HINT = re.compile(
    rb"rror|ERROR|Traceback|xception|NaN|nan|NAN|CUDA|NCCL|nccl|FATAL|CRITICAL|fatal|out of memory"
    rb"|OutOfMemory|RESOURCE_EXHAUSTED|egmentation|core dumped|panic|PANIC|Killed|Watchdog"
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
    rb"\b(?:ERROR|FATAL|CRITICAL|PANIC)\b|^\s{0,2}[\w.]{1,200}(?:Error|Exception)(?::|$)|\b(?:error|fatal|panic):"
    rb"|\bException in thread\b|[Ss]egmentation fault|core dumped|^Killed$"
)
_RANK = re.compile(rb"^(?:\[?rank ?\d+\]?:? ?|\[\d+\]:? ?)")
_RAISED = re.compile(rb"^\s{0,2}[\w.]{1,200}(?::|$)")
_FRAME = re.compile(rb'File "([^"]{1,300})", line (\d{1,9})')
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?")
_COLOUR = re.compile(rb"\x1b\[[0-9;:]{0,64}m")


class FaultFinder:
    """The lines of one stream in their order, without their newlines."""

    def __init__(self) -> None:
        self.within = False

    def kind(self, line: bytes) -> str:
        """ "" for a line that says nothing bad; WITHIN for one that goes on with a traceback."""
        line = line[:LONGEST_BYTES]
        if not self.within and not _HINT.search(line):
            return ""
        line = plain_line(line)
        if _HEAD.match(line):
            self.within = True
            return TRACEBACK
        if self.within:
            return self._go_on(line)
        return _plain_kind(line)

    def _go_on(self, line: bytes) -> str:
        rest = _RANK.sub(b"", line)
        if rest[:1] in (b" ", b"\t", b"|", b"+", b"") or not rest.strip():
            return WITHIN
        self.within = False
        return WITHIN if _RAISED.match(rest) else _plain_kind(line)


def next_hint(data: bytes, place: int) -> int:
    """Where in many lines the next one lies that a ``FaultFinder`` must see; -1 where none does."""
    found = _HINT.search(data, place)
    return found.start() if found else -1


def plain_line(line: bytes) -> bytes:
    """A line without its colours."""
    return _COLOUR.sub(b"", line) if b"\x1b" in line else line


def frame_of(line: bytes) -> Optional[bytes]:
    """``train.py:31`` of a traceback's frame line; None for another line."""
    found = _FRAME.search(line[:LONGEST_BYTES])
    return b"%s:%s" % (found[1].rpartition(b"/")[2], found[2]) if found else None


def raised_by(line: bytes) -> bool:
    """Whether this line ends a traceback: the exception's name, perhaps behind a rank."""
    rest = _RANK.sub(b"", line[:LONGEST_BYTES])
    return rest[:1] not in (b" ", b"\t", b"") and _RAISED.match(rest) is not None


def kind_of_raised(line: bytes) -> str:
    """The kind of a traceback by the line that ends it."""
    line = line[:LONGEST_BYTES]
    if _OOM.search(line):
        return CUDA_OOM
    return NCCL if _NCCL.search(line) else TRACEBACK


def shape_of(title: str) -> str:
    """What the words of one fault have in common: numbers do not tell them apart. Not for places."""
    return _NUMBER.sub("#", title)


def _plain_kind(line: bytes) -> str:
    if _OOM.search(line):
        return CUDA_OOM
    if _NCCL.search(line):
        return NCCL
    if _ERROR.search(line):
        return ERROR
    return NAN if _NAN.search(line) else ""
