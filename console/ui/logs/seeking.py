"""Looking for something in the logs of a pane: what matches, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.containers import Container

from console.fleet.logs.faults import KINDS
from console.fleet.logs.find import Wanted
from console.fleet.logs.line import Line
from console.ui.logs.node_search import search_nodes
from console.ui.messages import FilterLeft, FilterTyped
from console.ui.widgets.filter_bar import FilterBar
from workers.protocol import LogPosition

if TYPE_CHECKING:
    from console.ui.logs.pane import LogPane


class Seeking(Container):
    """The keys / & n N e E of a LogPane, mixed into it."""

    only: bool
    find_text: str
    search_word: str

    def action_find(self: LogPane) -> None:  # type: ignore[misc]
        self._typing_only = False
        self.query_one(FilterBar).open(self.find_text)

    def action_only(self: LogPane) -> None:  # type: ignore[misc]
        if self.only:
            self.only = False
            self.show()
            return
        self._typing_only = True
        self.query_one(FilterBar).open(self.find_text, "&")

    def on_filter_typed(self: LogPane, message: FilterTyped) -> None:  # type: ignore[misc]
        message.stop()
        bar = self.query_one(FilterBar)
        try:
            self.look_for(message.text)
        except ValueError as error:
            bar.complain(str(error))
        else:
            bar.complain("")

    def on_filter_left(self: LogPane, message: FilterLeft) -> None:  # type: ignore[misc]
        message.stop()
        self.view.focus()
        if not message.kept:
            self.only = False
            self.look_for("")
        elif self.find_text:
            self.only = self.only or self._typing_only
            self.show()
            self._search_the_nodes()
            if not self.only:
                self.action_next_match(-1)

    def look_for(self: LogPane, text: str) -> None:  # type: ignore[misc]
        """Marks what matches, in what is here and what comes. Raises ValueError for no regular expression."""
        if text:
            Wanted(text)
        self.find_text = text
        self.only = self.only and bool(text)
        self._look_for()

    def _look_for(self: LogPane) -> None:  # type: ignore[misc]
        wanted = Wanted(self.find_text) if self.find_text else None
        self.view.set_form(wanted=wanted)
        if self.following is not None:
            self.following.find(wanted)
            self.show()

    def _search_the_nodes(self: LogPane) -> None:  # type: ignore[misc]
        """The whole logs, on the nodes they are on."""
        following = self.following
        if following is None or following.finder is None:
            return
        work = search_nodes(self, following, following.finder, self.streams)
        self.run_worker(work, group="logs", exclusive=False, exit_on_error=False)

    def action_next_match(self: LogPane, by: int) -> None:  # type: ignore[misc]
        finder = self.following.finder if self.following else None
        if finder is None:
            self.action_find()
            return
        while not finder.done:  # a key was pressed: the answer is wanted now
            finder.step(20_000)
        self._go_among(finder.matches.lines, by, "match")

    def action_next_fault(self: LogPane, by: int) -> None:  # type: ignore[misc]
        lines = [line for line in self.view.book.lines if line.kind in KINDS]
        self._go_among(lines, by, "error")

    def _go_among(self: LogPane, lines: Sequence[Line], by: int, what: str) -> None:  # type: ignore[misc]
        """The nearest of `lines` below or above the cursor; while following, the newest."""
        view = self.view
        current = view.current
        if not lines or current is None:
            self.console_app.say(f"no {what} among the lines here")
            return
        if view.follow:
            self.go_to(lines[-1])
            return
        found = _beyond(lines, current, by)
        if found is None:
            where = "below" if by > 0 else "above"
            self.console_app.say(f"no {what} {where} this line")
            return
        self.go_to(found)

    def go_to(self: LogPane, line: Line) -> None:  # type: ignore[misc]
        """To a line that is here, or to its place on the node."""
        if self.view.book.place_of(line) is not None:
            self.view.go_to(line)
        else:
            self.open_place(line.source, LogPosition(line.attempt, line.which, line.offset))


def _beyond(lines: Sequence[Line], current: Line, by: int) -> Line | None:
    """The nearest line below or above another, by time; among equal ones by their order here."""
    for place, line in enumerate(lines):
        if line is current or line == current:
            beyond = place + by
            return lines[beyond] if 0 <= beyond < len(lines) else None
    if by > 0:
        return next((line for line in lines if line.at > current.at), None)
    return next((line for line in reversed(lines) if line.at <= current.at), None)
