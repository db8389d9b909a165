"""The messages about logs. The bytes themselves travel in ``DATA`` frames under the tail's stream number."""

import struct
from typing import NamedTuple, Optional, Tuple

from workers.protocol.shapes import ProtocolError

CHUNK = struct.Struct(">QdIB")
OUT, ERR, FILE = 0, 1, 2
STREAM_NAMES = ("out", "err", "file")
WINDOW_BYTES = 1024 * 1024  # what a tail may send before the first credit


class LogChunk(NamedTuple):
    """Bytes as they were written. ``offset`` counts from the first byte of the attempt's stream, for ever.

    ``clock`` is the node's wall clock when the first of them was seen written, 0.0 where unknown. ``attempt``
    of a FILE is a mark of this very file: another one of its name has another.
    """

    attempt: int
    which: int  # OUT, ERR, FILE
    offset: int
    clock: float
    data: bytes

    def encode(self) -> bytes:
        """The payload of a DATA frame."""
        return CHUNK.pack(self.offset, self.clock, self.attempt, self.which) + self.data


def decode_chunk(payload: bytes) -> LogChunk:
    """Raises ProtocolError."""
    if len(payload) < CHUNK.size:
        raise ProtocolError("a log chunk without its head")
    offset, clock, attempt, which = CHUNK.unpack_from(payload)
    if which > FILE or not -1.0 < clock < 2.0**40:
        raise ProtocolError("a log chunk of no known stream or time")
    return LogChunk(attempt, which, offset, clock, payload[CHUNK.size :])


class LogPosition(NamedTuple):
    """Where a reader goes on: the next byte it wants of one stream of one attempt."""

    attempt: int
    which: int
    offset: int


class OpenTail(NamedTuple):
    """Begins a stream of ``LogChunk`` frames and ``TailNote``s under the request's stream number.

    It ends with the one reply, ``TailEnded``: when ``follow`` is false at the end, when the run is over and
    all is read, or after ``CloseTail``. Without ``positions`` it begins ``back_bytes`` before the end of the
    newest attempt (-1: at the very first byte of the first attempt).
    """

    run_id: str = ""
    path: str = ""  # instead of a run: any file of the node, absolute or relative to its root
    streams: str = "both"  # out, err, both
    follow: bool = True
    back_bytes: int = 65_536
    positions: Tuple[LogPosition, ...] = ()
    attempt: int = 0  # 0: from the newest on; else only this one
    filter: str = (
        ""  # only lines that match this regular expression, found on the node; an empty chunk
    )
    # says how far it has looked
    window_bytes: int = WINDOW_BYTES


class TailCredit(NamedTuple):
    """So many more bytes of ``DATA`` payloads may be sent; under the tail's stream number."""

    bytes: int


class CloseTail(NamedTuple):
    """Under the tail's stream number."""


class TailNote(NamedTuple):
    """Between the chunks, in order: what a reader must know of the bytes.

    ``start`` says where a stream begins; after ``gap`` and ``truncated`` it goes on at ``offset``. ``resumed``
    is the console's own.
    """

    kind: str  # start, gap, truncated, replaced, attempt, waiting, missing, behind, resumed
    text: str
    attempt: int = 0
    which: int = OUT
    offset: int = 0
    bytes: int = 0  # of a gap


class TailEnded(NamedTuple):
    reason: str  # closed, end, over, failed
    text: str = ""


class SearchLog(NamedTuple):
    """Looks through the whole log on the node. Answered by ``LogMatches``."""

    pattern: str
    run_id: str = ""
    path: str = ""
    streams: str = "both"
    ignore_case: bool = True
    backwards: bool = True  # the newest first
    start: Optional[LogPosition] = None
    limit: int = 200
    budget_s: float = 5.0


class LogMatch(NamedTuple):
    attempt: int
    which: int
    offset: int  # of the line's first byte
    line: str  # at most 4096 characters
    clock: float = 0.0


class LogMatches(NamedTuple):
    matches: Tuple[LogMatch, ...] = ()
    complete: bool = True  # False: more may follow from ``next``
    next: Optional[LogPosition] = None
    searched_bytes: int = 0


class FindErrors(NamedTuple):
    """Groups what went wrong in a log. Answered by ``LogErrors``."""

    run_id: str
    budget_s: float = 5.0


class LogErrorGroup(NamedTuple):
    kind: str  # traceback, cuda_oom, nccl, nan, error
    title: str  # "ValueError: … (train.py:31)"
    occurrences: int
    first: LogPosition
    last: LogPosition
    last_clock: float = 0.0
    excerpt: str = ""


class LogErrors(NamedTuple):
    groups: Tuple[LogErrorGroup, ...] = ()
    complete: bool = True
    searched_bytes: int = 0
