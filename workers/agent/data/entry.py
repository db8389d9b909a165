"""What is remembered of one counted file, and when it still holds."""

import os
import time
from typing import NamedTuple, Optional

SETTLED_NS = 2_000_000_000  # the coarsest clock tick of a file system (FAT)


class Entry(NamedTuple):
    """``base`` records were found in the first ``offset`` bytes: counting goes on from there when the
    file grew. ``records`` are the whole file's. ``fingerprint`` covers the head and the bytes before
    ``offset`` (SQLite: the write-ahead log's size and time). ``mtime_ns`` -1: the count did not end.
    ``size`` -1: known without reading, so there is nothing to remember.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    settled: bool  # the file was older than a clock tick when counted: equal times mean equal bytes
    records: int
    offset: int = 0
    base: int = 0
    fingerprint: int = 0
    open: bool = False  # the last line has no newline
    fault: Optional[str] = None


def settled_ns() -> int:
    """Files last changed before this time are older than a clock tick. Taken when a pass begins."""
    return time.time_ns() - SETTLED_NS


def begin(status: os.stat_result, settled_before_ns: int) -> Entry:
    """An entry of a file of which nothing is counted yet."""
    mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
    settled = max(mtime_ns, ctime_ns) < settled_before_ns
    return Entry(status.st_size, mtime_ns, ctime_ns, settled, 0)


def holds(known: Optional[Entry], status: os.stat_result) -> bool:
    """Whether the file is as it was when it was counted."""
    return (
        known is not None
        and known.settled
        and known.mtime_ns == status.st_mtime_ns
        and known.size == status.st_size
        and known.ctime_ns == status.st_ctime_ns
    )
