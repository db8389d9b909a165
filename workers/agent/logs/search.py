"""A search through a whole log, block by block, until its limit or its time is reached. For the child."""

import time
from collections import deque
from itertools import islice
from typing import Iterator, List, Optional, Tuple

from workers.agent.logs.matcher import BadPattern, Matcher
from workers.agent.logs.overdue import Overdue
from workers.agent.logs.stretches import LINE_BYTES, Block, Stretch
from workers.protocol import LogMatch, LogMatches, LogPosition, SearchLog

MOST_MATCHES = 1000
MOST_TEXT = 512 * 1024  # characters of all lines together: an answer is one frame
LINE_CHARACTERS = 4096
_AHEAD = 200  # characters shown before a match that lies far to the right


class Search:
    """``stretches`` are in order, the oldest first."""

    def __init__(self, ask: SearchLog, stretches: List[Stretch]) -> None:
        self._ask = ask
        self._stretches = stretches
        self._matcher = Matcher(ask.pattern, ask.ignore_case)
        self._limit = max(1, min(ask.limit, MOST_MATCHES))
        self._found: List[LogMatch] = []
        self._text = 0
        self._searched = 0

    def run(self, until: float) -> LogMatches:
        """Until the monotonic clock says ``until``. Raises BadPattern where it gets nowhere, OSError."""
        for stretch, start, end in self._ranges():
            here = LogPosition(
                stretch.attempt, stretch.which, end if self._ask.backwards else start
            )
            if self._searched and time.monotonic() > until:
                return self._partial(here)
            try:
                following = self._look(stretch, start, end)
            except Overdue:
                if not self._searched:
                    raise BadPattern(
                        "the expression takes too long on one line of this log"
                    ) from None
                return self._partial(here)
            if following is not None:
                return self._partial(following)
        return LogMatches(tuple(self._found), True, None, self._searched)

    def _partial(self, following: LogPosition) -> LogMatches:
        return LogMatches(tuple(self._found), False, following, self._searched)

    def _ranges(self) -> Iterator[Tuple[Stretch, int, int]]:
        """Blocks in the order of the search, from where an earlier one ended."""
        backwards, at = self._ask.backwards, self._ask.start
        for stretch in reversed(self._stretches) if backwards else self._stretches:
            for start, end in stretch.ranges(backwards):
                if at is not None and (stretch.attempt, stretch.which) == at[:2]:
                    start, end = (
                        (start, min(end, at.offset)) if backwards else (max(start, at.offset), end)
                    )
                elif at is not None and ((stretch.attempt, stretch.which) > at[:2]) == backwards:
                    continue
                if start < end:
                    yield stretch, start, end

    def _look(self, stretch: Stretch, start: int, end: int) -> Optional[LogPosition]:
        """Takes the matches of a block; where to go on, if that is not the next block."""
        block = stretch.block(start, end)
        room = self._limit - len(self._found)
        places = self._matcher.lines(block.data, LINE_BYTES)
        # One more than there is room for: it tells whether any is left.
        chosen = list(deque(places, room + 1) if self._ask.backwards else islice(places, room + 1))
        for place in reversed(chosen) if self._ask.backwards else chosen:
            offset = block.offset + place[0]
            if len(self._found) >= self._limit or self._text > MOST_TEXT:
                return LogPosition(block.attempt, block.which, self._behind(offset))
            self._take(block, place, stretch.clock(offset))
        self._searched += end - start
        return None

    def _behind(self, offset: int) -> int:
        return offset + 1 if self._ask.backwards else offset

    def _take(self, block: Block, place: Tuple[int, int], clock: float) -> None:
        line = shown(block.data[place[0] : place[1]])
        self._text += len(line)
        self._found.append(
            LogMatch(block.attempt, block.which, block.offset + place[0], line, clock)
        )


def shown(line: bytes) -> str:
    """A line as text, cut: of a progress bar's many states the last one that says something."""
    line = line[:LINE_BYTES].rstrip(b"\r")
    return line.rpartition(b"\r")[2].decode("utf-8", "replace")[:LINE_CHARACTERS]
