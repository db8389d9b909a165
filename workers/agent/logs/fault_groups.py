"""What went wrong in a log, grouped by kind, shape and place, and counted. For the child."""

import time
from typing import Dict, Iterator, List, Optional, Tuple

from workers.agent.logs.stretches import LINE_BYTES, Stretch
from workers.protocol import LogErrorGroup, LogErrors, LogPosition
from workers.protocol import fault_lines as rules

MOST_GROUPS = 200
TITLE_CHARACTERS = 160
EXCERPT_BYTES = 2000
_AROUND_BYTES = LINE_BYTES  # a traceback may begin before a block, or end behind it


class Fault:
    """One occurrence, as long as it is read."""

    def __init__(self, kind: str, offset: int, line: bytes) -> None:
        self.kind = kind
        self.offset = offset
        self.frame = b""
        self.raised = b""
        self.excerpt = line

    def add(self, line: bytes) -> None:
        """A line of its traceback."""
        if len(self.excerpt) < EXCERPT_BYTES:
            self.excerpt += b"\n" + line
        self.frame = rules.frame_of(line) or self.frame
        if rules.raised_by(line):
            self.raised = line
            self.kind = rules.kind_of_raised(line)

    @property
    def words(self) -> str:
        """What was said, cut."""
        if self.kind == rules.TRACEBACK and not self.raised:
            return "a traceback without its end"
        line = _text(rules.plain_line(self.raised or self.excerpt[:LINE_BYTES])).strip()
        return line[:TITLE_CHARACTERS]

    @property
    def title(self) -> str:
        return self.words + (f" ({_text(self.frame)})" if self.frame else "")

    @property
    def key(self) -> Tuple[str, str, bytes]:
        """The same for occurrences of one fault."""
        return self.kind, rules.shape_of(self.words), self.frame


def faults_in(stretch: Stretch, start: int, end: int) -> Iterator[Fault]:
    """The faults that begin in [start, end). Raises OSError."""
    block = stretch.block(
        max(stretch.start, start - _AROUND_BYTES), min(stretch.end, end + _AROUND_BYTES)
    )
    data, finder = block.data, rules.FaultFinder()
    open_fault: Optional[Fault] = None
    place = 0
    while place < len(data):
        if not finder.within:
            if open_fault is not None:
                yield from _counted(open_fault, start, end)
                open_fault = None
            hint = rules.next_hint(data, place)
            if hint < 0 or block.offset + hint >= end:
                return
            place = data.rfind(b"\n", 0, hint) + 1
        newline = data.find(b"\n", place)
        newline = len(data) if newline < 0 else newline
        line = data[place : min(newline, place + LINE_BYTES)]
        kind = finder.kind(line)
        if kind == rules.WITHIN:
            if open_fault is not None:
                open_fault.add(rules.plain_line(line))
        elif kind:
            if open_fault is not None:
                yield from _counted(open_fault, start, end)
            open_fault = Fault(kind, block.offset + place, line)
        place = newline + 1
    if open_fault is not None:
        yield from _counted(open_fault, start, end)


def _counted(fault: Fault, start: int, end: int) -> Iterator[Fault]:
    if start <= fault.offset < end:
        yield fault


class FaultGroups:
    """The groups so far."""

    def __init__(self) -> None:
        self._groups: Dict[Tuple[str, str, bytes], LogErrorGroup] = {}
        self._searched = 0

    def run(self, stretches: List[Stretch], until: float) -> LogErrors:
        """Newest first, until the monotonic clock says ``until``. Raises OSError."""
        for stretch in reversed(stretches):
            for start, end in stretch.ranges(backwards=True):
                if self._searched and time.monotonic() > until:
                    return self._report(False)
                for fault in faults_in(stretch, start, end):
                    self._count(stretch, fault)
                self._searched += end - start
        return self._report(True)

    def _count(self, stretch: Stretch, fault: Fault) -> None:
        title = fault.title
        key = fault.key
        at = LogPosition(stretch.attempt, stretch.which, fault.offset)
        known = self._groups.get(key)
        if known is None:
            if len(self._groups) < MOST_GROUPS:
                clock = stretch.clock(fault.offset)
                excerpt = _text(fault.excerpt[:EXCERPT_BYTES])
                self._groups[key] = LogErrorGroup(fault.kind, title, 1, at, at, clock, excerpt)
            return
        known = known._replace(occurrences=known.occurrences + 1, first=min(known.first, at))
        if at > known.last:
            excerpt = _text(fault.excerpt[:EXCERPT_BYTES])
            clock = stretch.clock(fault.offset)
            known = known._replace(last=at, last_clock=clock, title=title, excerpt=excerpt)
        self._groups[key] = known

    def _report(self, complete: bool) -> LogErrors:
        groups = sorted(
            self._groups.values(),
            key=lambda group: (
                rules.KINDS.index(group.kind),
                -group.last_clock,
                -group.occurrences,
            ),
        )
        return LogErrors(tuple(groups), complete, self._searched)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
