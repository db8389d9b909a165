"""The Alerts screen: what is wrong, since when, why it is thought so, and the key that helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from console.fleet.alerts import Alert
from console.fleet.survey.workers import concerned
from console.fleet.workers import WorkerView
from console.formatting import age
from console.ui.filter_words import TEXT, FilterWords
from console.ui.keys import key
from console.ui.lines import Line, Pen, words
from console.ui.messages import NodeOpened
from console.ui.paint import Inks, Piece
from console.ui.screens.base import FleetAwareScreen
from console.ui.widgets.caption import Caption
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table

_COLUMNS = (
    Column("severity", "", 10),
    Column("node", "NODE", 11),
    Column("since", "SINCE", 7, right=True, descending=True),
    Column("key", "KEY", 6),
    Column("kind", "WHAT", 21, rank=1),
    Column("text", "WHY", 30, grow=True),
)
_SORTS: dict[str, Callable[[Alert], tuple[object, ...]]] = {
    "node": lambda alert: (alert.node,),
    "since": lambda alert: (-alert.since,),
    "key": lambda alert: (alert.key,),
    "kind": lambda alert: (alert.kind, alert.node),
    "text": lambda alert: (alert.text,),
}


class AlertsScreen(FleetAwareScreen):
    """Worst first, unless a column is chosen. The keys of a node or of workers act on those of the alert."""

    name_of_screen = "Alerts"
    DEFAULT_CSS = "AlertsScreen Sheet { height: 4; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("a", "acknowledge_alert", "acknowledge", "you have seen this alert", show=True),
        key("A", "app.alert_history", "history", "alerts that came and went", show=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._alerts: dict[str, Alert] = {}
        self._order: tuple[str, bool] | None = None
        self._filter = ""

    def compose_body(self) -> ComposeResult:
        yield Caption(self._caption)
        yield Table(_COLUMNS, self._cells, empty="nothing is wrong", choose="open")
        yield Sheet(self._detail)

    def on_mount(self) -> None:
        self.query_one(Table).focus()

    # ------------------------------------------------------------ facts

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        self._arrange()

    def _arrange(self) -> None:
        found = [alert for alert in self.store.alerts if self._matches(alert)]
        if self._order is not None and self._order[0] in _SORTS:
            found.sort(key=_SORTS[self._order[0]], reverse=self._order[1])
        self._alerts = {alert.id: alert for alert in found}
        table = self.query_one(Table)
        table.empty = "nothing matches" if self._filter else "nothing is wrong"
        table.show_keys(self._alerts)
        table.rows_changed()
        self.query_one(Caption).refresh()
        self.query_one(Sheet).redraw()

    def _matches(self, alert: Alert) -> bool:
        text = f"{alert.node} {alert.kind} {alert.text} {alert.severity.value}".lower()
        return all(
            (word[1:] not in text) if word.startswith("!") and len(word) > 1 else word in text
            for word in self._filter.lower().split()
        )

    @property
    def alert(self) -> Alert | None:
        """The one under the cursor."""
        return self._alerts.get(self.query_one(Table).current or "") if self.is_mounted else None

    # ------------------------------------------------------------ painting

    def _cells(self, alert_id: str, inks: Inks) -> Sequence[Cell]:
        alert = self._alerts.get(alert_id)
        if alert is None:
            return ("",) * len(_COLUMNS)
        glyphs = self.console_app.glyphs
        quiet = alert.acknowledged or alert.suspended
        tint = inks.dim if quiet else inks.severity(alert.severity.value)
        sign = glyphs.good if alert.acknowledged else glyphs.alert
        return (
            (f"{sign} {'seen' if alert.acknowledged else alert.severity.value}", tint),
            (alert.node, inks.dim if quiet else inks.strong),
            (age(self.store.now - alert.since), inks.dim),
            (alert.key, inks.key),
            (alert.kind.replace("_", " "), inks.dim),
            (alert.text + (" (cannot be seen now)" if alert.suspended else ""), tint),
        )

    def _caption(self, inks: Inks) -> list[Piece]:
        shown = self._alerts.values()
        seen = sum(alert.acknowledged for alert in shown)
        pieces: list[Piece] = [(f" {len(shown)} alerts, {seen} seen", inks.dim)]
        if self._filter:
            pieces.append((f"   / {self._filter}", inks.key))
        return pieces

    def _detail(self, pen: Pen) -> list[Line]:
        alert = self.alert
        if alert is None:
            return []
        lines = words(pen, f"{alert.node}: {alert.text}", pen.inks.text, 1)
        began = clock_text(alert.since_clock)
        lines.append([
            (f" {pen.glyphs.arrow} ", pen.inks.dim), (alert.key, pen.inks.key),
            (f" {alert.help}", pen.inks.text),
        ])  # fmt: skip
        return [*lines, [(f"   since {began}", pen.inks.dim)]]

    # ------------------------------------------------------------ keys

    def on_table_moved(self, message: Table.Moved) -> None:
        self.query_one(Sheet).redraw()
        self.refresh_bindings()

    def on_table_chosen(self, message: Table.Chosen) -> None:
        alert = self._alerts.get(message.key)
        if alert is not None:
            self.post_message(NodeOpened(alert.node))

    def on_table_sort_asked(self, message: Table.SortAsked) -> None:
        self._order = (message.column, message.descending)
        self._arrange()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action == "acknowledge_alert" and self.read_only)

    def action_acknowledge_alert(self) -> None:
        alert = self.alert
        if alert is not None and not alert.acknowledged:
            self.store.acknowledge(alert.id, self.store.now)
            self._arrange()

    def current_node(self) -> str | None:
        alert = self.alert
        return alert.node if alert else None

    def selected_workers(self) -> tuple[WorkerView, ...]:
        """Those that the alert is about, or as elsewhere all that live on its node."""
        alert = self.alert
        of_node = self.store.workers_of(alert.node) if alert else ()
        return (concerned(alert, of_node) if alert else ()) or super().selected_workers()

    def text_to_copy(self) -> str:
        alert = self.alert
        return alert.sentence if alert else ""

    @property
    def filter_text(self) -> str | None:
        return self._filter

    @property
    def filter_words(self) -> FilterWords:
        return TEXT

    def apply_filter(self, text: str) -> None:
        self._filter = text
        self._arrange()


def clock_text(clock: float) -> str:
    """A wall-clock time as local date and time, to the second."""
    return datetime.fromtimestamp(clock).strftime("%Y-%m-%d %H:%M:%S")
