"""How counting one file can end without a count.

CountFault
├── Unreadable    permission, I/O error, not a regular file, corrupt
├── Uncountable   readable, but this node lacks what it takes
├── Busy          somebody writes to it right now; ask again later
└── Stopped       the caller wants to end; ``partial`` is what to go on from
"""

from typing import Callable, NamedTuple, Optional

ShouldStop = Callable[[], bool]


class CountFault(Exception):
    """A file was not counted; the text says why, without the file's name."""


class Unreadable(CountFault):
    pass


class Uncountable(CountFault):
    pass


class Busy(CountFault):
    pass


class Entry(NamedTuple):
    """What is remembered of one counted file.

    ``base`` records were found in the first ``offset`` bytes: counting goes on from there when the file
    grew. ``records`` are the whole file's. ``fingerprint`` covers the head and the bytes before ``offset``
    (for SQLite: the write-ahead log's size and time). ``mtime_ns`` -1: the count did not end.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    settled: (
        bool  # the file was older than a clock tick when counted, so equal times mean equal bytes
    )
    records: int
    offset: int
    base: int
    fingerprint: int
    open: bool  # the last line has no newline
    fault: Optional[str] = None


class Stopped(CountFault):
    def __init__(self, partial: Optional[Entry] = None) -> None:
        super().__init__("stopped")
        self.partial = partial


def words(error: OSError) -> str:
    """`permission denied`: the system's words in lower case, without the path."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]
