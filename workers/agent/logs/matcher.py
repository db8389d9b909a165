"""One pattern on many lines. Only for the child: a hostile expression takes as long as it likes."""

import re
from typing import Iterator, List, Tuple

MOST_PATTERN = 1000
_SPECIAL = frozenset(b"\\.^$*+?{}[]|()")


class BadPattern(ValueError):
    """What was given is no regular expression. Says why."""


class Matcher:
    """Matches bytes; a pattern with other than ASCII letters matches the lines as UTF-8 text."""

    def __init__(self, pattern: str, ignore_case: bool) -> None:
        if len(pattern) > MOST_PATTERN:
            raise BadPattern(f"a pattern of {len(pattern)} characters, at most {MOST_PATTERN}")
        flags = re.IGNORECASE if ignore_case else 0
        raw = pattern.encode("utf-8", "surrogateescape")
        self._plain = b""
        try:
            if pattern.isascii():
                self._search = re.compile(raw, flags).search
            else:
                found = re.compile(pattern, flags)
                self._search = lambda line: found.search(line.decode("utf-8", "replace"))  # type: ignore[assignment]
        except (re.error, OverflowError, RecursionError) as error:
            raise BadPattern(f"not a regular expression: {error}") from None
        if pattern.isascii() and raw and not _SPECIAL & set(raw) and b"\n" not in raw:
            self._plain = raw.lower() if ignore_case else raw
            self._fold = ignore_case

    def lines(self, data: bytes, longest: int) -> Iterator[Tuple[int, int]]:
        """(start, end) of each line of ``data`` that matches, without its newline; of a line longer than
        ``longest`` only so much is looked at."""
        return self._plain_lines(data) if self._plain else self._each_line(data, longest)

    def _each_line(self, data: bytes, longest: int) -> Iterator[Tuple[int, int]]:
        start, search = 0, self._search
        if not data:
            return
        for line in data.split(b"\n"):
            if search(line if len(line) <= longest else line[:longest]):
                yield start, start + len(line)
            start += len(line) + 1
            if start >= len(data):
                return

    def _plain_lines(self, data: bytes) -> Iterator[Tuple[int, int]]:
        """A literal is found in the whole block at the speed of memory."""
        folded = data.lower() if self._fold else data
        place = folded.find(self._plain)
        while place >= 0:
            start = data.rfind(b"\n", 0, place) + 1
            end = data.find(b"\n", place)
            end = len(data) if end < 0 else end
            yield start, end
            place = folded.find(self._plain, end + 1)

    def kept(self, data: bytes, longest: int) -> List[Tuple[int, int]]:
        """Runs of matching lines with their newlines, joined where they touch."""
        found: List[Tuple[int, int]] = []
        for start, end in self.lines(data, longest):
            end = min(len(data), end + 1)
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        return found
