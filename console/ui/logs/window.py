"""Which rows of a log book are seen, and how a person moves among them.

It holds to lines, not to places: lines that come in above, or leave at the top, do not move what is read.
What is worked out costs as much as there are rows on the screen, however long the book is.
"""

from __future__ import annotations

from typing import NamedTuple

from console.fleet.logs.book import LogBook
from console.fleet.logs.line import Line
from console.ui.logs.rows import RowForm, height

TOP, END = -1, 1  # edges: a person wanted to go further than there are lines


class Place(NamedTuple):
    """A row: the place of its line among all, and its number within the line."""

    line: int
    row: int = 0


class Seen(NamedTuple):
    """A row that is seen: the line, the number of the row within it, and the line's place."""

    line: Line
    row: int
    place: int


class LogWindow:
    """Follows the end until somebody moves. `tall` is its height in rows; `live` stands below the book."""

    def __init__(self) -> None:
        self.book = LogBook()
        self.live: tuple[Line, ...] = ()
        self.form = RowForm(80)
        self.tall = 0
        self.follow = True
        self._cursor: Line | None = None
        self._cursor_place = 0  # where it stood when it was last looked for
        self._top: Line | None = None
        self._top_place = self._top_row = 0
        self._seen: list[Seen] | None = None
        self._lines_seen = self._first_place = 0

    # ------------------------------------------------------------ what is seen

    def show(self, book: LogBook, live: tuple[Line, ...]) -> None:
        """Another book, or this one after it changed."""
        if book is not self.book:
            self.book, self._cursor, self._top = book, None, None
        self.live = live
        self.changed()

    def changed(self) -> None:
        """The lines, the form or the height are not what they were."""
        self._seen = None

    @property
    def seen(self) -> list[Seen]:
        """From the top row on; a screen that would not be full begins higher."""
        if self._seen is None:
            self._seen = self._arranged()
            self._lines_seen = len({row.place for row in self._seen})
            self._first_place = self._seen[0].place if self._seen else 0
        return self._seen

    @property
    def current(self) -> Line | None:
        """The line under the cursor; while following, the last one of the book."""
        return self.book.last if self.follow or self._cursor is None else self._cursor

    @property
    def place_of_cursor(self) -> int:
        """Its place among the lines of the book."""
        return self._place_of_cursor() if not self.follow else max(0, len(self.book) - 1)

    @property
    def thumb(self) -> tuple[int, int] | None:
        """(first row, one past the last) of where this stands in the book; None where all of it is seen."""
        total, seen = len(self.book) + len(self.live), self.seen
        if total <= self.tall and (not seen or seen[0].row == 0) and total == self._lines_seen:
            return None
        first = total if self.follow or not seen else self._first_place
        size = max(1, self.tall * self.tall // total)
        begin = min(self.tall - size, first * self.tall // total)
        return begin, begin + size

    # ------------------------------------------------------------ going

    def hold(self) -> None:
        """Follows no more; what is seen stays."""
        if self.follow and self.book.lines:
            first = self._first()
            self.follow, self._cursor = False, self.book.last
            self._set_top(first)

    def go_to(self, line: Line) -> None:
        """Puts the cursor on a line of the book, in the middle where it was not in sight."""
        in_sight = any(row.line is line for row in self.seen)
        self.hold()
        self.follow, self._cursor = False, line
        if not in_sight:
            self._set_top(self._walk(Place(self._place(line)), -(self.tall // 2)))
        self.changed()

    def go_to_end(self) -> None:
        """Follows from now on."""
        self.follow, self._cursor, self._top = True, None, None
        self.changed()

    def go_to_top(self) -> int:
        """Gives TOP where it was there already."""
        if not self.book.lines:
            return 0
        there = not self.follow and self._cursor is self.book.lines[0]
        self.follow, self._cursor = False, self.book.lines[0]
        self._set_top(Place(0))
        return TOP if there else 0

    def move(self, by: int) -> int:
        """The cursor by so many lines. Gives the edge that was in the way, or 0."""
        if not self._may_go(by):
            return 0
        place = self._place_of_cursor() + by
        self._cursor = self.book.lines[max(0, min(place, len(self.book) - 1))]
        self._keep_in_sight()
        return TOP if place < 0 else END if place >= len(self.book) else 0

    def page(self, rows: int) -> int:
        """The screen by so many rows, the cursor with it. Gives the edge, or 0."""
        if not self._may_go(rows):
            return 0
        first = self._first()
        self._set_top(self._walk(first, rows))
        edge = 0
        if self._first() == first:  # no way further: the cursor goes to the edge
            last = self.book.lines[0 if rows < 0 else -1]
            edge = (TOP if rows < 0 else END) if self._cursor is last else 0
            self._cursor = last
        else:
            place = self._walk(Place(self._place_of_cursor()), rows).line
            self._cursor = self.book.lines[min(place, len(self.book) - 1)]
        self._keep_in_sight()
        return edge

    def roll(self, rows: int) -> int:
        """As the mouse wheel does: the cursor stays on its line while that is in sight. Gives the edge, or 0."""
        if not self._may_go(rows):
            return 0
        first = self._first()
        self._set_top(self._walk(first, rows))
        self._pull_cursor()
        return 0 if self._first() != first else TOP if rows < 0 else END

    def pick(self, row: int) -> None:
        """The cursor to what is seen in a row."""
        if row < len(self.seen):
            line = self.seen[row].line
            self.hold()
            self._cursor = self.book.last if line in self.live else line

    def jump(self, share: float) -> None:
        """To a place in the book, 0 its first line and 1 its last."""
        if self.book.lines:
            self.hold()
            self._set_top(Place(int(len(self.book) * share)))
            self._cursor = self._top

    def _may_go(self, by: int) -> bool:
        """Moving ends following; at the end there is no way down."""
        if not self.book.lines or (self.follow and by >= 0):
            return False
        self.hold()
        return True

    def _pull_cursor(self) -> None:
        seen = [line for line, _, place in self.seen if place < len(self.book)]
        if seen and not any(line is self._cursor for line in seen):
            above = self._place_of_cursor() < self._place(seen[0])
            self._cursor = seen[0] if above else seen[-1]

    def _keep_in_sight(self) -> None:
        place, first = self._place_of_cursor(), self._first()
        if place <= first.line:
            self._set_top(Place(place))
            return
        rows_of_it = height(self._cursor, self.form) if self._cursor else 1
        lowest = self._walk(Place(place), -max(0, self.tall - rows_of_it))
        if lowest > first:
            self._set_top(lowest)

    # ------------------------------------------------------------ places

    def _place(self, line: Line | None, near: int = -1) -> int:
        """Of a line of the book, or of where it stood before it left."""
        if line is None:
            return max(0, len(self.book) - 1)
        found = self.book.place_of(line, near)
        return max(0, self.book.place_after(line.at) - 1) if found is None else found

    def _place_of_cursor(self) -> int:
        self._cursor_place = self._place(self._cursor, self._cursor_place)
        return self._cursor_place

    def _line(self, place: int) -> Line | None:
        below = place - len(self.book.lines)
        if below < 0:
            return self.book.lines[place]
        return self.live[below] if below < len(self.live) else None

    def _first(self) -> Place:
        seen = self.seen
        return Place(self._first_place, seen[0].row) if seen else Place(0)

    def _set_top(self, place: Place) -> None:
        self._top_place = max(0, min(place.line, len(self.book) - 1))
        self._top, self._top_row = self._line(self._top_place), place.row
        self.changed()

    def _walk(self, start: Place, by: int) -> Place:
        """The row so many rows further down, or up where `by` is below 0; at the ends the first or last line."""
        place, row = start.line, start.row + by
        while row < 0 and place > 0:
            place -= 1
            row += self._height(place)
        if row < 0:
            return Place(0)
        last = len(self.book) + len(self.live) - 1
        while place < last and row >= self._height(place):
            row -= self._height(place)
            place += 1
        return Place(place, 0 if place >= last else row)

    def _height(self, place: int) -> int:
        line = self._line(place)
        return height(line, self.form) if line is not None else 1

    def _arranged(self) -> list[Seen]:
        if not self.follow and self._top is not None:
            self._top_place = self._place(self._top, self._top_place)
            seen = self._down(Place(self._top_place, self._top_row))
            if len(seen) == self.tall:
                return seen
        return self._up()

    def _down(self, start: Place) -> list[Seen]:
        found: list[Seen] = []
        place, row = start
        while len(found) < self.tall and (line := self._line(place)) is not None:
            found += [Seen(line, number, place) for number in range(row, height(line, self.form))]
            place, row = place + 1, 0
        return found[: self.tall]

    def _up(self) -> list[Seen]:
        """What is seen at the end."""
        found: list[Seen] = []
        place = len(self.book) + len(self.live)
        while len(found) < self.tall and place > 0:
            place -= 1
            line = self._line(place)
            if line is not None:
                found[:0] = [Seen(line, number, place) for number in range(height(line, self.form))]
        return found[-self.tall :] if self.tall else []
