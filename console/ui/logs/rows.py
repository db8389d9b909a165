"""A log line as rows of the screen: its time, its source, and its text, cut or wrapped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.fleet.logs.faults import KINDS
from console.fleet.logs.find import Wanted
from console.fleet.logs.line import WITHIN, Line
from console.fleet.logs.look import PLAIN, Look, Shown
from console.ui.glyphs import Glyphs
from console.ui.logs.ink import LogInks
from console.ui.paint import Piece, fit
from workers.protocol import ERR

TAG_LEAST, TAG_MOST = 6, 28
_MARGIN = 3  # the fault's sign, the stream's letter, a blank
_TIME = 10


@dataclass(frozen=True)
class RowForm:
    """How all rows look."""

    width: int
    wrap: bool = False
    times: bool = True
    tags: tuple[str, ...] = ()  # of the sources; without any they are not shown
    both: bool = True  # out and err stand side by side, so that they are told apart
    shift: int = 0  # columns that lie left of the screen, where lines are not wrapped
    wanted: Wanted | None = None

    @property
    def tag_width(self) -> int:
        longest = max((cell_len(tag) for tag in self.tags), default=0)
        return max(TAG_LEAST, min(longest, TAG_MOST, self.width // 4)) if self.tags else 0

    @property
    def head_width(self) -> int:
        tag = self.tag_width + 1 if self.tags else 0
        return _MARGIN + (_TIME if self.times else 0) + tag

    @property
    def room(self) -> int:
        """Cells for the text."""
        return max(8, self.width - self.head_width)


def height(line: Line, form: RowForm) -> int:
    """Rows that a line takes."""
    if not form.wrap:
        return 1
    text = _note_text(line) if line.is_note else line.text
    return max(1, -(-cell_len(text) // form.room))


def rows(line: Line, form: RowForm, inks: LogInks, glyphs: Glyphs) -> list[Strip]:
    """The line painted, each row exactly as wide as the form."""
    text = _text(line, form, inks, glyphs)
    parts = _parts(text, form, inks, glyphs)
    head = Strip([Segment(*piece) for piece in _head(line, form, inks, glyphs) if piece[0]])
    below = Strip([Segment(*piece) for piece in _head_below(line, form, inks, glyphs)])
    rest = inks.inks.text
    return [
        _filled(Strip.join([head if number == 0 else below, part]), form.width, rest)
        for number, part in enumerate(parts)
    ]


def _text(line: Line, form: RowForm, inks: LogInks, glyphs: Glyphs) -> Strip:
    if line.is_note:
        return Strip(
            [Segment(f"{glyphs.line * 2} {line.text} {glyphs.line * 2}", inks.inks.primary)]
        )
    shown = line.shown
    places = form.wanted.places(shown.text) if form.wanted else ()
    return Strip(
        [Segment(text, inks.style(look, found)) for text, look, found in _runs(shown, places)]
    )


def _note_text(line: Line) -> str:
    return f"-- {line.text} --"


def _runs(shown: Shown, places: Sequence[tuple[int, int]]) -> Iterable[tuple[str, Look, bool]]:
    """The text in stretches of one look, each found or not."""
    done = 0
    for start, end, look in _covering(shown):
        for left, right in places:
            if right <= done or left >= end:
                continue
            if left > done:
                yield shown.text[done:left], look, False
            done = max(done, left)
            yield shown.text[done : min(right, end)], look, True
            done = min(right, end)
        if done < end:
            yield shown.text[max(start, done) : end], look, False
        done = end


def _covering(shown: Shown) -> Iterable[tuple[int, int, Look]]:
    """The spans, and plain ones between them."""
    done = 0
    for start, end, look in shown.spans:
        if start > done:
            yield done, start, PLAIN
        yield start, end, look
        done = end
    if done < len(shown.text):
        yield done, len(shown.text), PLAIN


def _parts(text: Strip, form: RowForm, inks: LogInks, glyphs: Glyphs) -> list[Strip]:
    room = form.room
    if form.wrap:
        count = max(1, -(-text.cell_length // room))
        return [text.crop(i * room, (i + 1) * room) for i in range(count)]
    if text.cell_length <= form.shift + room:
        return [text.crop(form.shift) if form.shift else text]
    more = Strip([Segment(glyphs.ellipsis, inks.inks.key)])
    return [Strip.join([text.crop(form.shift, form.shift + room - 1), more])]


def _head(line: Line, form: RowForm, inks: LogInks, glyphs: Glyphs) -> list[Piece]:
    plain = inks.inks
    pieces: list[Piece] = [_sign(line, inks, glyphs)]
    if form.times:
        rough = "~" if line.rough and not line.is_note else " "
        pieces += [(time_of_day(int(line.time)), plain.dim), (f"{rough} ", plain.faint)]
    if form.tags:
        tag = form.tags[line.source] if line.source < len(form.tags) else ""
        pieces += [(fit(tag, form.tag_width), inks.tag(line.source)), (" ", plain.text)]
    letter = "e" if form.both and line.which == ERR and not line.is_note else " "
    return [*pieces, (letter, plain.warn), (" ", plain.text)]


def _head_below(line: Line, form: RowForm, inks: LogInks, glyphs: Glyphs) -> list[Piece]:
    """Of the rows below the first of a wrapped line."""
    blank = " " * (form.head_width - 3)
    return [_sign(line, inks, glyphs, below=True), (blank, inks.inks.text), (f"{glyphs.upright} ", inks.inks.faint)]  # fmt: skip


def _sign(line: Line, inks: LogInks, glyphs: Glyphs, below: bool = False) -> Piece:
    if line.kind in KINDS and not below:
        return (glyphs.alert, inks.inks.bad_strong)
    if line.kind == WITHIN or line.kind in KINDS:
        return (glyphs.upright, inks.inks.bad)
    return (" ", inks.inks.text)


@lru_cache(maxsize=4096)
def time_of_day(second: int) -> str:
    """Local time; blank where it is not known."""
    if second <= 0:
        return "--:--:--"
    try:
        return datetime.fromtimestamp(second).strftime("%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return "--:--:--"


def _filled(line: Strip, width: int, rest: Style) -> Strip:
    if line.cell_length > width:
        return line.crop(0, width)
    return line.extend_cell_length(width, rest)
