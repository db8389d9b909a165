"""The log of one scripted run: bytes with global offsets for each attempt and stream, as on a real node."""

from __future__ import annotations

import re
from typing import NamedTuple

from console.demo.workers import lines
from console.demo.workers.cast import Role
from workers.protocol import (
    ERR,
    OUT,
    FindErrors,
    LogErrorGroup,
    LogErrors,
    LogMatch,
    LogMatches,
    LogPosition,
    SearchLog,
)

PAST_LINES = 400  # said before the demo began
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_WHICH = {"out": (OUT,), "err": (ERR,), "both": (OUT, ERR)}
_KINDS = (
    ("cuda_oom", "CUDA out of memory"),
    ("nccl", "NCCL WARN"),
    ("nan", "loss is nan"),
    ("traceback", "Error: "),
    ("error", " ERROR"),
)


class Entry(NamedTuple):
    """What was written at once. `clock` is the node's wall clock."""

    attempt: int
    which: int
    offset: int
    clock: float
    data: bytes

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


class DemoLog:
    """Made when somebody first looks; from then on it grows by what its run says."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._ends: dict[tuple[int, int], int] = {}

    def say(self, attempt: int, which: int, clock: float, text: str) -> None:
        data = text.encode("utf-8", "replace")
        offset = self._ends.get((attempt, which), 0)
        self._ends[attempt, which] = offset + len(data)
        self.entries.append(Entry(attempt, which, offset, clock, data))

    @property
    def size(self) -> int:
        return sum(self._ends.values())

    @property
    def newest_attempt(self) -> int:
        return self.entries[-1].attempt if self.entries else 1

    def end(self, attempt: int, which: int) -> int:
        """Where the next byte of this stream will lie."""
        return self._ends.get((attempt, which), 0)

    def search(self, ask: SearchLog) -> LogMatches:
        """Lines that match. Raises re.error."""
        pattern = re.compile(ask.pattern, re.IGNORECASE if ask.ignore_case else 0)
        found: list[LogMatch] = []
        entries = reversed(self.entries) if ask.backwards else iter(self.entries)
        for entry in entries:
            text = plain(entry.data)
            if entry.which in _WHICH.get(ask.streams, ()) and pattern.search(text):
                if ask.start is not None and not _beyond(entry, ask.start, ask.backwards):
                    continue
                if len(found) == ask.limit:
                    after = LogPosition(entry.attempt, entry.which, entry.offset)
                    return LogMatches(tuple(found), False, after, self.size)
                found.append(
                    LogMatch(entry.attempt, entry.which, entry.offset, text[:4096], entry.clock)
                )
        return LogMatches(tuple(found), True, None, self.size)

    def errors(self, ask: FindErrors) -> LogErrors:
        groups: dict[str, list[Entry]] = {}
        for entry in self.entries:
            text = plain(entry.data)
            kind = next((kind for kind, word in _KINDS if word in text), None)
            if kind is not None:
                groups.setdefault(kind, []).append(entry)
        return LogErrors(
            tuple(_group(kind, found) for kind, found in groups.items()), True, self.size
        )


def plain(data: bytes) -> str:
    """One entry as text without colours and line end."""
    return _COLOURS.sub("", data.decode("utf-8", "replace")).rstrip("\r\n")


def last_line(role: Role, number: int, clock: float) -> str:
    return plain(lines.line(role, number, clock)[1].encode("utf-8", "replace"))


def _group(kind: str, found: list[Entry]) -> LogErrorGroup:
    first, last = found[0], found[-1]
    text = plain(last.data)
    return LogErrorGroup(
        kind=kind,
        title=text.splitlines()[-1][:160],
        occurrences=len(found),
        first=LogPosition(first.attempt, first.which, first.offset),
        last=LogPosition(last.attempt, last.which, last.offset),
        last_clock=last.clock,
        excerpt=text[:2000],
    )


def _beyond(entry: Entry, start: LogPosition, backwards: bool) -> bool:
    here, there = (entry.attempt, entry.offset), (start.attempt, start.offset)
    return here <= there if backwards else here >= there
