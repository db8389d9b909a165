"""Searching in the lines at hand, a slice at a time, so that nothing else has to wait."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from console.fleet.logs.book import LogBook
from console.fleet.logs.line import Line

_SEEN = 4096  # characters of a line that are searched


class Wanted:
    """What is looked for: a regular expression; without a capital letter in it, capitals do not matter."""

    def __init__(self, text: str) -> None:
        """Raises ValueError, in words, for what is no regular expression."""
        self.text = text
        self.ignore_case = text == text.lower()
        try:
            self._expression = re.compile(text, re.IGNORECASE if self.ignore_case else 0)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"not a regular expression: {error}") from None

    def matches(self, line: Line) -> bool:
        return self._expression.search(line.text[:_SEEN]) is not None

    def places(self, text: str) -> list[tuple[int, int]]:
        """(start, end) of each match in a line's text, empty ones left out."""
        found = (match.span() for match in self._expression.finditer(text[:_SEEN]))
        return [span for span in found if span[0] < span[1]]


class Finder:
    """The lines that match, of those that are there and of those that come."""

    def __init__(self, wanted: Wanted, lines: Sequence[Line]) -> None:
        self.wanted = wanted
        self.matches = LogBook()
        self._known: set[tuple[int, int, int, int]] = set()
        self._todo = [line for line in lines if not line.is_note]

    @property
    def done(self) -> bool:
        return not self._todo

    def step(self, count: int) -> None:
        """Looks through so many more lines, the newest first."""
        if self._todo:
            part = self._todo[-count:]
            del self._todo[-count:]
            self.offer(part)

    def offer(self, lines: Iterable[Line]) -> None:
        """New lines."""
        self.adopt(line for line in lines if not line.is_note and self.wanted.matches(line))

    def adopt(self, lines: Iterable[Line]) -> None:
        """Lines that match, found here or on the node; each counts once."""
        fresh = [line for line in lines if line.key not in self._known]
        self._known.update(line.key for line in fresh)
        self.matches.add(fresh)
