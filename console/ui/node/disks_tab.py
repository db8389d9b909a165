"""The Disks & data tab: usage, inodes and what fills a disk; datasets with their rates and faults."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from console.errors import QuarterdeckError, UsageError
from console.fleet.history import DAY_S, HOUR_S
from console.fleet.ledger import Entry
from console.fleet.survey.data import newest_age_s
from console.fleet.survey.disk import used_percent
from console.formatting import age, count, percent, size
from console.ui.data.columns import ledger_cells
from console.ui.data.words import of_entry
from console.ui.keys import key
from console.ui.lines import Line, Pen, heading, meter, words
from console.ui.modals.disk import DiskModal
from console.ui.node.storage import fills, per_day, per_hour
from console.ui.node.tab import NodeTab
from console.ui.node.title import absence
from console.ui.paint import Inks, Piece
from console.ui.widgets.caption import Caption
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.sheet import Sheet
from console.ui.widgets.table import Table
from workers.protocol import DatasetCount, Disk

_BAR = 24
_DISKS = (
    Column("path", "DISK", 16),
    Column("bar", "", _BAR, rank=3),
    Column("share", "USED", 6, right=True),
    Column("used", "", 8, right=True),
    Column("total", "OF", 8, right=True),
    Column("inodes", "INODES", 7, right=True),
    Column("when", "FULL IN", 14),
    Column("kind", "TYPE", 7, rank=1),
    Column("device", "DEVICE", 18, rank=2, grow=True),
)
_DATA = (
    Column("name", "DATASET", 16),
    Column("records", "RECORDS", 12, right=True),
    Column("hour", "LAST HOUR", 11, right=True),
    Column("day", "LAST DAY", 11, right=True, rank=1),
    Column("newest", "NEWEST", 7, right=True),
    Column("files", "FILES", 9, right=True, rank=5),
    Column("bytes", "BYTES", 8, right=True, rank=2),
    Column("left_records", "NOT SYNCED", 11, right=True, rank=4),
    Column("left", "UNSYNCED", 8, right=True),
    Column("synced", "SYNCED", 7, right=True, rank=3),
    Column("aggregated", "AGGREGATED", 10, right=True, rank=3),
    Column("backed_up", "BACKED UP", 9, right=True, rank=3),
    Column("faults", "FAULTS", 14, grow=True),
)


class DisksTab(NodeTab):
    title = "Disks & data"
    DEFAULT_CSS = """
    DisksTab > #disks { height: auto; max-height: 40%; }
    DisksTab > #data { height: auto; max-height: 40%; }
    DisksTab > Caption { margin-top: 1; }
    DisksTab > #disk-title { margin-top: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("c", "recount", "count now", "count every dataset of this node again", show=True),
    ]

    def __init__(self, node: str) -> None:
        super().__init__(node)
        self._chosen = False

    def compose(self) -> ComposeResult:
        yield Caption(lambda inks: _caption("Disks", "", inks), id="disk-title")
        yield Table(
            _DISKS, self._disk_cells, empty="no disk is watched", choose="what fills it", id="disks"
        )
        yield Caption(self._data_caption)
        yield Table(_DATA, self._data_cells, empty="no dataset here", id="data")
        yield Sheet(self._faults)

    def shown(self) -> None:
        self.refresh_facts()
        node = self.node
        disks = node.sample.disks if node and node.sample else ()
        if disks and not self._chosen:  # the fullest is what one comes for
            self._chosen = True
            fullest = max(disks, key=lambda disk: used_percent(disk) or 0.0)
            self.query_one("#disks", Table).select(fullest.path)

    def refresh_facts(self) -> None:
        if not self.query(Sheet):
            return  # not composed yet; `shown` comes again
        node = self.node
        disks = node.sample.disks if node and node.sample else ()
        counts = node.counts if node else ()
        for table, keys in (
            (self.query_one("#disks", Table), [disk.path for disk in disks]),
            (self.query_one("#data", Table), [entry.name for entry in counts]),
        ):
            table.show_keys(keys)
            table.styles.height = max(2, len(keys) + 1)
            table.rows_changed()
        for caption in self.query(Caption):
            caption.refresh()
        self.query_one(Sheet).redraw()
        if counts and self.console_app.runtime.ledger.is_due(self._machine):
            self.run_worker(self._compare(), exclusive=True, group="ledger")

    async def _compare(self) -> None:
        with contextlib.suppress(UsageError):  # it left the fleet meanwhile
            await self.console_app.runtime.ledger.safe(self._machine)

    @property
    def _machine(self) -> str:
        """The entry that this machine is counted under."""
        node = self.node
        return node.same_as or node.name if node else self.node_name

    # ------------------------------------------------------------ disks

    def _disk(self, path: str | None) -> Disk | None:
        node = self.node
        disks = node.sample.disks if node and node.sample else ()
        return next((disk for disk in disks if disk.path == path), None)

    def _disk_cells(self, path: str, inks: Inks) -> Sequence[Cell]:
        disk = self._disk(path)
        if disk is None:
            return ("",) * len(_DISKS)
        if disk.fault:
            return (path, "", "", "", "", "", (disk.fault, inks.bad), disk.file_system, disk.device)
        share = used_percent(disk)
        tint = inks.level(share or 0.0)
        pen = Pen(_BAR, inks, self.console_app.glyphs)
        inodes = 100.0 * disk.inodes_used / disk.inodes_total if disk.inodes_total and disk.inodes_used is not None else None  # fmt: skip
        when = fills(disk, self.console_app.runtime.store.history(self.node_name))
        when = when.removeprefix("full in ")
        return (
            (path, inks.strong),
            meter(pen, None if share is None else share / 100, _BAR, tint),
            (percent(share), tint),
            size(disk.used_bytes),
            size(disk.total_bytes),
            (percent(inodes), inks.level(inodes or 0.0)),
            ("read-only" if disk.read_only else when, inks.bad if when == "full" else inks.warn),
            (disk.file_system, inks.dim),
            (disk.device, inks.dim),
        )

    def on_table_chosen(self, message: Table.Chosen) -> None:
        message.stop()
        if message.table.id == "disks":
            self.action_explain()

    def action_explain(self) -> None:
        disk = self._disk(self.query_one("#disks", Table).current)
        if disk is not None:
            self.app.push_screen(DiskModal(self.node_name, disk))

    # ------------------------------------------------------------ data

    def _entry(self, name: str | None) -> DatasetCount | None:
        node = self.node
        counts = node.counts if node else ()
        return next((entry for entry in counts if entry.name == name), None)

    def _data_cells(self, name: str, inks: Inks) -> Sequence[Cell]:
        entry, node, store = self._entry(name), self.node, self.console_app.runtime.store
        if entry is None or node is None:
            return ("",) * len(_DATA)
        history = store.history(self.node_name)
        hourly = history.dataset_rate(name, HOUR_S)
        faulty = f"{entry.unreadable_files} unreadable" if entry.unreadable_files else ""
        faulty = faulty or (f"{len(entry.faults)} in files" if entry.faults else "")
        sign = f"{self.console_app.glyphs.alert} " if faulty else ""
        return (
            (name, inks.strong),
            count(entry.records),
            (per_hour(hourly), inks.good if hourly else inks.dim),
            (per_day(history.dataset_rate(name, DAY_S)), inks.dim),
            age(newest_age_s(node, entry, store.now)),
            (count(entry.files), inks.dim),
            size(entry.bytes),
            *ledger_cells(self._kept(name), store.clock, inks),
            (sign + faulty, inks.warn),
        )

    def _kept(self, name: str) -> Entry:
        return self.console_app.runtime.store.ledger.entry(self._machine, name)

    def _data_caption(self, inks: Inks) -> list[Piece]:
        node = self.node
        told = node.datasets_at if node else None
        now = self.console_app.runtime.store.now
        return _caption("Data", "" if told is None else f"counted {age(now - told)} ago", inks)

    def on_table_moved(self, message: Table.Moved) -> None:
        message.stop()
        self.query_one(Sheet).redraw()

    def _faults(self, pen: Pen) -> list[Line]:
        node, inks = self.node, pen.inks
        if node is not None and node.sample is None:
            return absence(node, self.console_app.runtime.store.now, pen)
        entry = self._entry(self.query_one("#data", Table).current)
        if entry is None:
            return []
        lines = [heading(pen, entry.name)]
        kept = of_entry(self._kept(entry.name), self.console_app.runtime.store.clock)
        lines += words(pen, kept, inks.dim, 1)
        if entry.reason:
            lines += words(pen, entry.reason, inks.warn, 1)
        for fault in entry.faults:
            lines += words(pen, fault, inks.warn, 1)
        if entry.unreadable_files:
            lines += words(pen, f"{entry.unreadable_files} unreadable, not counted:", inks.text, 1)
        for name in entry.unreadable:
            lines += words(pen, name, inks.dim, 3)
        return lines

    def action_recount(self) -> None:
        self.run_worker(self._recount(), exclusive=True, group="recount")

    async def _recount(self) -> None:
        app = self.console_app
        try:
            report = await app.runtime.datasets.recount(self.node_name)
        except QuarterdeckError as error:
            app.say(f"{self.node_name}: {error}", bad=True)
            return
        app.say(f"{self.node_name}: {len(report.counts)} datasets counted")
        await self._compare()
        self.refresh_facts()


def _caption(title: str, note: str, inks: Inks) -> list[Piece]:
    return [(f" {title}", inks.title), (f"  {note}", inks.dim)]
