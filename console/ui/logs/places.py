"""Other places of the logs of a pane: on the node, in a file, in a list of what was found."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.containers import Container

from console.errors import QuarterdeckError
from console.fleet.logs.line import Line
from console.formatting import size
from console.ui.logs.feed import LogSource
from console.ui.logs.raw_copy import save_raw
from console.ui.logs.visit import Visit, visit
from console.ui.widgets.log_view import LogView
from workers.protocol import LogPosition

if TYPE_CHECKING:
    from console.ui.logs.pane import LogPane


class Places(Container):
    """Visits and dialogs of a LogPane, mixed into it."""

    visit: Visit | None

    def open_place(self: LogPane, source: int, at: LogPosition) -> None:  # type: ignore[misc]
        """Shows the lines around a byte of the log, read from the node."""
        self.run_worker(self._visit(source, at), group="logs", exclusive=False, exit_on_error=False)

    async def _visit(self: LogPane, source: int, at: LogPosition) -> None:  # type: ignore[misc]
        following, feed = self.following, self.feed
        if following is None or feed is None:
            return
        now = self.console_app.runtime.store.clock
        try:
            made = await visit(feed, following.sources[source], source, at, now)
        except QuarterdeckError as error:
            self.console_app.say(str(error), bad=True)
            return
        target = made.target
        if target is None:
            self.console_app.say("that place of the log is not there any more", bad=True)
            return
        self.visit = made
        self.show()
        self.view.go_to(target)

    def _come_back(self: LogPane) -> None:  # type: ignore[misc]
        self.visit = None
        self.show()
        self.view.go_to_end()

    def on_log_view_past_top(self: LogPane, message: LogView.PastTop) -> None:  # type: ignore[misc]
        """Goes on above, on the node."""
        message.stop()
        first = next((line for line in self.view.book.lines if not line.is_note), None)
        if first is not None and first.offset > 0 and not self.only:
            self.open_place(first.source, LogPosition(first.attempt, first.which, first.offset - 1))

    def on_log_view_past_end(self: LogPane, message: LogView.PastEnd) -> None:  # type: ignore[misc]
        """Goes on below: further in the log, and at its end back to the living one."""
        message.stop()
        if self.visit is None:
            self.view.go_to_end()
        elif self.visit.complete:
            self._come_back()
        else:
            at = LogPosition(self.visit.at.attempt, self.visit.at.which, self.visit.end)
            self.open_place(self.visit.source, at)

    # ------------------------------------------------------------ dialogs

    def action_faults(self: LogPane) -> None:  # type: ignore[misc]
        from console.ui.modals.log_faults import LogFaults

        if self.following is not None:
            self.app.push_screen(LogFaults(self.following), self._go_to_fault)

    def _go_to_fault(self: LogPane, chosen: Line | None) -> None:  # type: ignore[misc]
        if chosen is not None:
            self.go_to(chosen)

    def action_matches(self: LogPane) -> None:  # type: ignore[misc]
        from console.ui.modals.log_matches import LogMatchList

        finder = self.following.finder if self.following else None
        if self.following is not None and finder is not None:
            self.app.push_screen(LogMatchList(self.following, finder), self._go_to_fault)

    def action_open_file(self: LogPane) -> None:  # type: ignore[misc]
        from console.ui.modals.log_file import LogFile

        node = (
            self.source.node
            if self.source
            else next(iter(self.console_app.runtime.store.nodes), "")
        )
        self.app.push_screen(LogFile(node), self._open_file)

    def _open_file(self: LogPane, chosen: LogSource | None) -> None:  # type: ignore[misc]
        if chosen is not None:
            self.run_worker(self.follow([chosen]), group="watch", exclusive=True)

    def action_save_log(self: LogPane) -> None:  # type: ignore[misc]
        if self.following is not None:
            self.run_worker(self._save(), group="logs", exclusive=False, exit_on_error=False)

    async def _save(self: LogPane) -> None:  # type: ignore[misc]
        following, feed = self.following, self.feed
        assert following is not None
        assert feed is not None
        app = self.console_app
        folder = app.logbook.path.parent / "views"
        app.say("copying the whole log…")
        try:
            for place, source in enumerate(following.sources):
                for path, written in (
                    await save_raw(feed, source, self.streams, folder, place)
                ).items():
                    app.say(f"{source.tag}: {size(written)} in {path}")
        except (OSError, QuarterdeckError) as error:
            app.say(f"not saved: {error}", bad=True)
        except asyncio.CancelledError:
            app.say("the copy of the log was given up: it is not whole", bad=True)
            raise
