"""Runs one command on nodes and shows what each said, as it says it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from console.errors import QuarterdeckError
from console.operations.command_output import CommandOutput
from console.operations.commands import CommandRun
from console.operations.outcomes import Verdict
from console.ui.lines import Line, Pen, heading, words
from console.ui.modals.dialog import Dialog
from console.ui.widgets.sheet import Sheet

TICK_S = 0.25
_LINES = 400  # of all nodes' output together, and of each at least:
_LEAST = 20


class CommandModal(Dialog[None]):
    """The command is an argument list and no shell line: `sh -c '…'` where a shell is wanted.

    Leaving takes nothing back: what runs goes on there. When all are through, another may be typed.
    """

    field = "nvidia-smi -L      (an argument list; for a shell line: sh -c '…')"
    DEFAULT_CSS = "CommandModal > #box { width: 130; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+x", "stop", "Stop", show=False),
        Binding("pageup", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "scroll(1)", "Down", show=False),
        Binding("up", "recall", "Recall", show=False),
    ]

    def __init__(self, nodes: Sequence[str]) -> None:
        super().__init__()
        self._where = tuple(nodes)
        self._run: CommandRun | None = None
        self._typed = ""
        self._shown_over = False
        self._seen: Sequence[object] = ()
        count = len(self._where)
        self.title_text = f"Run a command on {count} node{'s'[: count != 1]}"

    def on_mount(self) -> None:
        self.show_keys(("Enter", "runs it"), ("Esc", "does nothing"))
        self.set_interval(TICK_S, self._look)

    def first_focus(self) -> Widget:
        running = self._run is not None and not self._run.over
        return self.query_one(Sheet) if running else self.query_one(Input)

    def submitted(self, value: str) -> None:
        if self._run is not None and not self._run.over:
            return
        try:
            command = shlex.split(value)
        except ValueError as error:
            self.complain(f"not understood: {error}")
            return
        if command and not self.console_app.read_only:
            self._begin(value, command)

    def _begin(self, typed: str, command: list[str]) -> None:
        try:
            self._run = self.runtime.commands.begin(self._where, command)
        except QuarterdeckError as error:
            self.complain(str(error))
            return
        self._typed, self._shown_over = typed, False
        field = self.query_one(Input)
        field.value, field.display = "", False
        self.first_focus().focus()
        keys = (("Ctrl-X", "stops it"), ("PgUp PgDn", "scroll"), ("Esc", "leaves; it goes on"))
        self.show_keys(*keys)
        self.redraw()

    def _look(self) -> None:
        if self._run is None:
            return
        now = [(one.words, len(one.lines), one.lines[-1:]) for one in self._run.results]
        if now != self._seen:
            self._seen = now
            self.redraw()
        if self._run.over and not self._shown_over:
            self._shown_over = True
            self.query_one(Input).display = True
            self.first_focus().focus()
            self.show_keys(
                ("Enter", "runs another"), ("↑", "the last one"), ("PgUp PgDn", "scroll"), ("Esc", "leaves"),
            )  # fmt: skip

    def action_stop(self) -> None:
        if self._run is not None and not self._run.over and not self.console_app.read_only:
            self._run.stop()

    def action_scroll(self, pages: int) -> None:
        self.query_one(Sheet).action_scroll_pages(pages)

    def action_recall(self) -> None:
        field = self.query_one(Input)
        if field.display and self._typed:
            field.value = self._typed
            field.cursor_position = len(field.value)

    # ------------------------------------------------------------ lines

    def lines(self, pen: Pen) -> list[Line]:
        run, inks = self._run, pen.inks
        if run is None:
            return [[], *words(pen, f"on {', '.join(self._where)}", inks.text, 1)]
        lines: list[Line] = words(pen, run.shown, inks.strong, 1)
        lines.append([(f" {_progress(run)}", inks.dim)])
        most = max(_LEAST, _LINES // len(run.results))
        for result in run.results:
            lines += _said(result, most, pen)
        return lines


def _said(result: CommandOutput, most: int, pen: Pen) -> list[Line]:
    """One node's heading, and the end of what it said."""
    inks, glyphs = pen.inks, pen.glyphs
    sign, tint = (glyphs.good, inks.good) if result.well else (glyphs.down, inks.bad)
    if result.verdict is None:
        sign, tint = glyphs.waiting, inks.warn
    lines: list[Line] = [[], heading(pen, f"{sign} {result.node}: {result.words}", "", tint)]
    shown = result.lines[-most:]
    if len(shown) < len(result.lines) or result.dropped_bytes:
        lines.append([(f" the last {len(shown)} lines", inks.dim)])
    for line in shown:
        lines += words(pen, line, inks.text, 1)
    return lines


def _progress(run: CommandRun) -> str:
    """`2 of 3 well, 1 failed`"""
    count = len(run.results)
    going = sum(one.verdict is None for one in run.results)
    well = sum(one.verdict is Verdict.DONE for one in run.results)
    parts = [f"{well} of {count} exited 0"]
    if going:
        parts.append(f"{going} running")
    if count - well - going:
        parts.append(f"{count - well - going} not well")
    return ", ".join(parts)
