"""What every screen shares: the summary above, the keys below, the body between, and the fleet's changes.

A screen is told what changed and looks it up in the store; it never keeps facts of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget

from console.ui import filter_words
from console.ui.contained import Contained
from console.ui.filter_words import FilterWords
from console.ui.keys import HOW_TO_QUIT
from console.ui.messages import FilterLeft, FilterTyped
from console.ui.widgets.filter_bar import FilterBar
from console.ui.widgets.footer import KeyFooter
from console.ui.widgets.summary import SummaryLine

if TYPE_CHECKING:
    from console.fleet.store import FleetStore
    from console.fleet.workers import WorkerView
    from console.runtime import Runtime
    from console.ui.app import QuarterdeckApp


class FleetAwareScreen(Contained, Screen[None]):
    """Subclasses give `compose_body` and `name_of_screen`, and may override the hooks below.

    Every widget below that has a `fleet_changed(names, alerts_changed)` method is called too; an error in
    one of them stays there.
    """

    BINDINGS: ClassVar[list[BindingType]] = [HOW_TO_QUIT]
    name_of_screen: ClassVar[str] = ""  # "Fleet": shown in the footer's right corner and in help

    @property
    def console_app(self) -> QuarterdeckApp:
        return cast("QuarterdeckApp", self.app)

    @property
    def runtime(self) -> Runtime:
        return self.console_app.runtime

    @property
    def store(self) -> FleetStore:
        return self.console_app.runtime.store

    @property
    def read_only(self) -> bool:
        return self.console_app.read_only

    def compose(self) -> ComposeResult:
        yield SummaryLine()
        with Container(id="body"):
            yield from self.compose_body()
        if self.filter_text is not None:
            yield FilterBar(self.filter_words.hint)
        yield KeyFooter(self.name_of_screen)

    def compose_body(self) -> ComposeResult:
        """The widgets between the summary and the footer."""
        yield from ()

    # ------------------------------------------------------------ hooks

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        """At most four times a second while this screen is on top; with all names when it comes on top."""

    def current_node(self) -> str | None:
        """The node that keys such as `d`, `s`, `T` and Enter act on when nothing is marked."""
        return None

    def selected_nodes(self) -> tuple[str, ...]:
        """The marked nodes, or the current one."""
        current = self.current_node()
        return () if current is None else (current,)

    def marked_nodes(self) -> tuple[str, ...]:
        """Only what a person marked: a job takes no narrower choice from where a cursor happens to stand."""
        return ()

    def selected_workers(self) -> tuple[WorkerView, ...]:
        """What the keys of workers act on: here all that live on the selected nodes; jobs have their own."""
        of = self.store.workers_of
        views = (view for node in self.selected_nodes() for view in of(node))
        return tuple(view for view in views if view.live and view.record.kind != "job")

    def text_to_copy(self) -> str:
        """What `y` copies: plain text of what the cursor stands on."""
        return self.current_node() or ""

    def apply_filter(self, text: str) -> None:
        """A filter was typed; called at every keystroke. Raises ValueError (FilterError) to refuse it."""

    @property
    def filter_text(self) -> str | None:
        """The filter that holds now; None where this screen has none, so that `/` is unbound."""
        return None

    @property
    def filter_words(self) -> FilterWords:
        """What can be typed into the filter."""
        return filter_words.NODES

    def refresh_asked(self) -> None:
        """Ctrl-R: what is not told by itself is to be asked for now."""

    def notes(self) -> Iterable[str]:
        """Short words for the right of the summary line: filter, sort, marks."""
        return ()

    def step_back(self) -> bool:
        """Esc: takes back the innermost thing (zoom, marks, filter); False where there is nothing."""
        if self.filter_text:
            self.apply_filter("")
            return True
        return False

    # ------------------------------------------------------------ filter

    def open_filter(self) -> None:
        """Shows the filter bar with what holds now."""
        self.query_one(FilterBar).open(self.filter_text or "", hint=self.filter_words.hint)

    def on_filter_typed(self, message: FilterTyped) -> None:
        bar = self.query_one(FilterBar)
        try:
            self.apply_filter(message.text)
        except ValueError as error:
            bar.complain(str(error))
        else:
            bar.complain("")

    def on_filter_left(self, message: FilterLeft) -> None:
        if not message.kept:
            self.apply_filter("")

    # ------------------------------------------------------------ delivery

    def deliver_changes(self, names: frozenset[str], alerts_changed: bool) -> None:
        """Called by the app: tells this screen and each of its widgets."""
        with self.guard("showing the fleet's changes"):
            self.fleet_changed(names, alerts_changed)
        for widget in self.walk_children(Widget):
            changed = getattr(widget, "fleet_changed", None)
            if changed is not None:
                with self.guard(f"{type(widget).__name__} showing the fleet's changes"):
                    changed(names, alerts_changed)

    def deliver_notes(self) -> None:
        """What `notes` says has changed."""
        self.query_one(SummaryLine).refresh()

    def on_screen_resume(self) -> None:
        self.console_app.present_fleet()
