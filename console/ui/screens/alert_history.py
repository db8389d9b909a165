"""Alerts that came and went, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from console.fleet.alerts import Alert
from console.formatting import age
from console.ui.messages import NodeOpened
from console.ui.paint import Inks, Piece
from console.ui.screens.alerts import clock_text
from console.ui.screens.base import FleetAwareScreen
from console.ui.widgets.caption import Caption
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.table import Table

_COLUMNS = (
    Column("severity", "", 10),
    Column("began", "BEGAN", 19),
    Column("lasted", "LASTED", 8, right=True),
    Column("node", "NODE", 11),
    Column("kind", "WHAT", 18, rank=1),
    Column("text", "WHY", 20, grow=True),
)


class AlertHistoryScreen(FleetAwareScreen):
    name_of_screen = "Alert history"

    def __init__(self) -> None:
        super().__init__()
        self._alerts: dict[str, Alert] = {}

    def compose_body(self) -> ComposeResult:
        yield Caption(self._caption)
        yield Table(_COLUMNS, self._cells, empty="no alert yet", choose="open")

    def on_mount(self) -> None:
        self.query_one(Table).focus()

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        self._alerts = {f"{alert.id}@{alert.since}": alert for alert in self.store.alert_history}
        table = self.query_one(Table)
        table.show_keys(self._alerts)
        table.rows_changed()
        self.query_one(Caption).refresh()

    def _cells(self, row_key: str, inks: Inks) -> Sequence[Cell]:
        alert = self._alerts.get(row_key)
        if alert is None:
            return ("",) * len(_COLUMNS)
        glyphs, over = self.console_app.glyphs, alert.ended_at is not None
        tint = inks.dim if over else inks.severity(alert.severity.value)
        end = alert.ended_at if alert.ended_at is not None else self.store.now
        return (
            (f"{glyphs.good if over else glyphs.alert} {'over' if over else alert.severity.value}", tint),
            (clock_text(alert.since_clock), inks.dim),
            (age(end - alert.since), inks.text),
            (alert.node, inks.strong),
            (alert.kind.replace("_", " "), inks.dim),
            (alert.text, tint),
        )  # fmt: skip

    def _caption(self, inks: Inks) -> list[Piece]:
        over = sum(alert.ended_at is not None for alert in self._alerts.values())
        said = f" {len(self._alerts) - over} alerts now, {over} that are over; the newest first"
        return [(said, inks.dim)]

    def on_table_chosen(self, message: Table.Chosen) -> None:
        alert = self._alerts.get(message.key)
        if alert is not None and alert.node in self.store.nodes:
            self.post_message(NodeOpened(alert.node))

    def current_node(self) -> str | None:
        alert = self._alerts.get(self.query_one(Table).current or "") if self.is_mounted else None
        return alert.node if alert and alert.node in self.store.nodes else None
