"""Runs one command on nodes and shows what each said, as it says it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from console.errors import QuarterdeckError
from console.operations.commands import CommandRun
from console.ui.lines import Line, Pen, heading, words
from console.ui.modals.dialog import Dialog, DialogKeys
from console.ui.paint import fit
from console.ui.widgets.sheet import Sheet

TICK_S = 0.25
_LINES = 200  # of each node's output


class CommandModal(Dialog[None]):
    """The command is an argument list and no shell line: `sh -c '…'` where a shell is wanted.

    Leaving takes nothing back: what runs goes on, as a worker named after the command.
    """

    title_text = "Run a command"
    field = "nvidia-smi -L"
    keys = (("Enter", "runs it"), ("Esc", "leaves; what runs goes on"))
    DEFAULT_CSS = "CommandModal > #box { width: 120; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+x", "stop", "Stop", show=False),
        Binding("pageup", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "scroll(1)", "Down", show=False),
    ]

    def __init__(self, nodes: Sequence[str]) -> None:
        super().__init__()
        self._where = tuple(nodes)
        self._run: CommandRun | None = None

    def on_mount(self) -> None:
        self.set_interval(TICK_S, self._look)

    def _look(self) -> None:
        if self._run is not None:
            self.redraw()

    def submitted(self, value: str) -> None:
        try:
            command = shlex.split(value)
        except ValueError as error:
            self.complain(f"not understood: {error}")
            return
        if not command or self.console_app.read_only:
            return
        try:
            self._run = self.runtime.commands.begin(self._where, command)
        except QuarterdeckError as error:
            self.complain(str(error))
            return
        keys = self.query_one(DialogKeys)
        keys.keys = (
            ("Ctrl-X", "stops it"),
            ("PgUp PgDn", "scroll"),
            ("Esc", "leaves; what runs goes on"),
        )
        keys.complaint = ""
        keys.refresh()
        self.query_one(Input).display = False
        self.query_one(Sheet).focus()
        self.redraw()

    def action_stop(self) -> None:
        if self._run is not None:
            self._run.stop()

    def action_scroll(self, pages: int) -> None:
        self.query_one(Sheet).action_scroll_pages(pages)

    # ------------------------------------------------------------ lines

    def lines(self, pen: Pen) -> list[Line]:
        inks = pen.inks
        if self._run is None:
            count = len(self._where)
            where = f"on {count} node{'s'[: count != 1]}: {', '.join(self._where)}"
            return [[], *words(pen, where, inks.text, 1)]
        lines: list[Line] = words(pen, shlex.join(self._run.command), inks.strong, 1)
        for result in self._run.results:
            lines += [
                [],
                heading(pen, result.node, result.words, None if result.well else inks.bad),
            ]
            shown = result.lines[-_LINES:]
            if len(shown) < len(result.lines):
                lines.append([(f" the last {_LINES} of {len(result.lines)} lines", inks.dim)])
            lines += [[(" ", inks.text), (fit(line, pen.width - 2), inks.text)] for line in shown]
        return lines
