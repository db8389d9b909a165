"""One line of a log, and where its bytes are."""

from __future__ import annotations

from typing import NamedTuple

from console.fleet.logs.look import Look, Shown, read

LIMIT_BYTES = 16 * 1024  # of a line; what is longer is cut, and the cut is shown
NOTE = "note"  # the kind of a line that no worker wrote: a gap, a new attempt, a reconnect
WITHIN = "within"  # the kind of a line that belongs to the traceback above it


class Line(NamedTuple):
    """``offset`` is the place of its first byte in the stream, for ever.

    ``at`` orders lines; within one stream it never goes back. ``time`` is what is shown. Both are seconds
    of the console's wall clock; 0.0 where nothing is known.
    """

    at: float
    time: float
    rough: bool  # the time is not the line's own word
    source: int  # place in the list of sources
    attempt: int
    which: int  # OUT, ERR, FILE
    offset: int
    data: bytes  # without the line end, carriage returns folded, at most LIMIT_BYTES
    cut: int = 0  # bytes of the line that are only in the log
    kind: str = ""
    look: Look | None = None  # the colours that the lines before left switched on

    @property
    def key(self) -> tuple[int, int, int, int]:
        """Where its bytes are: the same whoever brought it. Notes have none of their own."""
        return (self.source, self.attempt, self.which, self.offset)

    @property
    def shown(self) -> Shown:
        """Its text, safe to paint, and the colours in it."""
        return read(self.data, self.look, self.cut)

    @property
    def text(self) -> str:
        """Its text, safe to paint and to copy."""
        return self.shown.text

    @property
    def is_note(self) -> bool:
        return self.kind == NOTE
