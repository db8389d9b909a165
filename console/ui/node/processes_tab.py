"""The Processes tab: all processes of the node, and signals to them by their identity."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from console.errors import QuarterdeckError
from console.formatting import age, memory
from console.ui.filter_words import PROCESSES
from console.ui.keys import key
from console.ui.modals.process import ProcessModal
from console.ui.modals.signal import SignalModal
from console.ui.node.process_list import Row, flat, key_of, matcher, tree
from console.ui.node.signalling import identity_of, send_signal
from console.ui.node.tab import NodeTab
from console.ui.paint import Inks, Piece, fit
from console.ui.widgets.caption import Caption
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.table import Table
from workers.protocol import Process, ProcessIdentity, ProcessTable

EVERY_S = 2.0
_COLUMNS = (
    Column("pid", "PID", 8, right=True),
    Column("user", "USER", 9),
    Column("state", "S", 2),
    Column("cpu", "CPU %", 7, right=True, descending=True),
    Column("memory", "MEMORY", 9, right=True, descending=True),
    Column("gpu", "GPU MEM", 9, right=True, rank=1, descending=True),
    Column("threads", "THR", 5, right=True, rank=3, descending=True),
    Column("age", "AGE", 7, right=True, rank=2, descending=True),
    Column("command", "COMMAND", 22, grow=True),
)
_CHANGING = frozenset({"terminate", "kill"})


class ProcessesTab(NodeTab):
    title = "Processes"
    filter_words = PROCESSES
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "x", "terminate", "terminate", "ask a process to end, or pick another signal", show=True
        ),
        key("X", "kill", "kill", "end a process at once (asks first)", show=True),
        key("t", "tree", "tree", "children below their parents", show=True),
        key("u", "owner", "owner", "only the processes of the next user", show=True),
        key("space", "mark", "mark", "mark the process; actions then take the marked"),
        key("asterisk", "mark_all", "mark all", "mark every process shown"),
        key("ctrl+backslash", "clear_marks", "clear marks", "take all marks away"),
    ]

    def __init__(self, node: str) -> None:
        super().__init__(node)
        self.filter_text = ""
        self._found: ProcessTable | None = None
        self._found_at = 0.0
        self._failure = ""
        self._as_tree = False
        self._owner: str | None = None
        self._rows: dict[str, Row] = {}
        self._order = ("cpu", True)

    def compose(self) -> ComposeResult:
        yield Caption(self._caption)
        yield Table(
            _COLUMNS,
            self._cells,
            empty="asking the node…",
            sort="cpu",
            descending=True,
            choose="details",
        )

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    # ------------------------------------------------------------ asking

    def shown(self) -> None:
        self._ask()

    def hidden(self) -> None:
        self.workers.cancel_group(self, "processes")

    def _ask(self) -> None:
        self.run_worker(self._keep_asking(), exclusive=True, group="processes")

    async def _keep_asking(self) -> None:
        while True:  # each after the answer to the one before: a slow line gives them late
            if not self.console_app.paused:
                await self._fetch()
            await asyncio.sleep(EVERY_S)

    async def _fetch(self) -> None:
        runtime = self.console_app.runtime
        try:
            self._found = await runtime.processes.list(self.node_name)
            self._found_at, self._failure = runtime.store.now, ""
        except QuarterdeckError as error:
            self._failure = str(error)
        if self.is_attached:
            self._arrange()

    # ------------------------------------------------------------ showing

    def _arrange(self) -> None:
        found = self._found.processes if self._found else ()
        words = matcher(self.filter_text)
        owner = self._owner
        sort, descending = self._order
        glyphs = self.console_app.glyphs

        def accepts(process: Process) -> bool:
            return (owner is None or process.user == owner) and words(process)

        if self._as_tree:
            branches = (glyphs.branch, glyphs.last_branch, glyphs.trunk)
            rows = tree(found, accepts, sort, descending, branches)
        else:
            rows = flat(found, accepts, sort, descending)
        self._rows = {key_of(row.process): row for row in rows}
        table = self.table
        table.empty = self._failure or ("no process matches" if found else "asking the node…")
        table.mark(table.marked & self._rows.keys())
        table.show_keys(self._rows)
        table.rows_changed()
        self.query_one(Caption).refresh()

    def _caption(self, inks: Inks) -> list[Piece]:
        found = self._found
        pieces: list[Piece] = []
        if found is not None:
            total = len(found.processes)
            pieces.append((f" {len(self._rows)} of {total} processes", inks.dim))
        if self._owner is not None:
            pieces.append((f"  owner {fit(self._owner, min(12, len(self._owner)))}", inks.key))
        if self.filter_text:
            pieces.append(
                (f"  / {fit(self.filter_text, min(30, len(self.filter_text)))}", inks.key)
            )
        if self._as_tree:
            pieces.append(("  tree", inks.key))
        if self.table.marked:
            pieces.append((f"  {len(self.table.marked)} marked", inks.key))
        if found is not None and (found.truncated or found.restricted):
            why = "cut off" if found.truncated else "those of other users are hidden by the system"
            pieces.append((f"  {why}", inks.warn))
        if self._failure:
            old = age(self.console_app.runtime.store.now - self._found_at) if found else ""
            pieces.append(
                (f"  {self._failure}{f'; shown as of {old} ago' if old else ''}", inks.bad)
            )
        return pieces

    def _cells(self, row_key: str, inks: Inks) -> Sequence[Cell]:
        process, branch = self._rows[row_key]
        clock = self._clock
        cpu = process.cpu_percent
        busy = inks.heat(min(100.0, cpu)) if cpu else inks.faint
        command = process.command or process.name
        return (
            (str(process.pid), inks.dim),
            process.user,
            (process.state, inks.good if process.state == "R" else inks.dim),
            ("–" if cpu is None else f"{cpu:.1f}", busy),
            (memory(process.memory_bytes), inks.text if process.memory_bytes else inks.faint),
            (memory(process.gpu_memory_bytes) if process.gpu_memory_bytes is not None else "", inks.accent),
            ("" if process.threads is None else str(process.threads), inks.dim),
            (age(None if process.started_at is None else clock - process.started_at), inks.dim),
            [(branch, inks.faint), (fit(command, 400).rstrip(), inks.text)],
        )  # fmt: skip

    @property
    def _clock(self) -> float:
        """The node's wall clock: its processes' starts are told by it."""
        node = self.node
        offset = node.clock_offset_s if node else None
        return self.console_app.runtime.store.clock + (offset or 0.0)

    def text_to_copy(self) -> str:
        row = self._rows.get(self.table.current or "")
        return f"{row.process.pid} {row.process.command}" if row else self.node_name

    # ------------------------------------------------------------ order and choice

    def apply_filter(self, text: str) -> None:
        """Raises ValueError for a filter that cannot be understood; the old one stays."""
        matcher(text)
        self.filter_text = text
        self._arrange()

    def on_table_sort_asked(self, message: Table.SortAsked) -> None:
        message.stop()
        self._order = (message.column, message.descending)
        self._arrange()

    def action_tree(self) -> None:
        self._as_tree = not self._as_tree
        self._arrange()

    def action_owner(self) -> None:
        found = self._found.processes if self._found else ()
        owners = [None, *sorted({process.user for process in found})]
        place = owners.index(self._owner) if self._owner in owners else 0
        self._owner = owners[(place + 1) % len(owners)]
        self._arrange()

    def action_mark(self) -> None:
        table = self.table
        if table.current is not None:
            table.mark(table.marked ^ {table.current})
            table.action_move(1)
            self.query_one(Caption).refresh()

    def action_mark_all(self) -> None:
        self.table.mark(frozenset(self._rows))
        self.query_one(Caption).refresh()

    def action_clear_marks(self) -> None:
        self.table.mark(frozenset())
        self.query_one(Caption).refresh()

    # ------------------------------------------------------------ acting

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not (action in _CHANGING and self.console_app.read_only)

    def action_details(self) -> None:
        row = self._rows.get(self.table.current or "")
        if row is not None:
            self._show_details(row.process)

    def on_table_chosen(self, message: Table.Chosen) -> None:
        message.stop()
        self.action_details()

    def _show_details(self, process: Process) -> None:
        identity = self._identity(process)
        if identity is None:
            return

        def ask(name: str | None) -> None:
            if name is not None:
                self._ask_signal([process], name)

        fixed = self.console_app.read_only
        modal = ProcessModal(self.node_name, process, identity, self._clock, fixed=fixed)
        self.app.push_screen(modal, ask)

    def action_terminate(self) -> None:
        self._ask_signal(self._targets(), "TERM")

    def action_kill(self) -> None:
        self._ask_signal(self._targets(), "KILL")

    def _targets(self) -> list[Process]:
        """The marked processes that are still there, or the one under the cursor."""
        marked = [row.process for name, row in self._rows.items() if name in self.table.marked]
        row = self._rows.get(self.table.current or "")
        return marked or ([row.process] if row else [])

    def _ask_signal(self, targets: list[Process], name: str) -> None:
        if not targets:
            return

        def send(chosen: str | None) -> None:
            if chosen is not None:
                self.run_worker(self._send(targets, chosen), group="signals")

        self.app.push_screen(SignalModal(self.node_name, targets, name, self._clock), send)

    async def _send(self, targets: list[Process], name: str) -> None:
        app = self.console_app
        bad = await send_signal(app.runtime, self.node_name, targets, name)
        if bad:
            app.say("\n".join(bad[:4]), bad=True)
        else:
            one = f"{targets[0].pid} {targets[0].name}"
            app.say(f"{name} sent to {one if len(targets) == 1 else f'{len(targets)} processes'}")
        self._ask()

    def _identity(self, process: Process) -> ProcessIdentity | None:
        return identity_of(self.node, process)
