"""Sends a signal to processes: which signal, to what exactly, where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from console.formatting import age, memory
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import Dialog
from console.ui.paint import fit
from console.ui.widgets.sheet import Sheet
from workers.protocol import Process

SIGNALS = {
    "TERM": "asks it to end; it may clean up first",
    "KILL": "ends it at once: nothing is saved, nothing cleaned up",
    "INT": "interrupts it, as Ctrl-C does",
    "STOP": "holds it still; it keeps its memory",
    "CONT": "lets it go on after STOP",
}
_SHOWN = 8


class SignalModal(Dialog[str]):
    """Gives the signal's name, or None. KILL to more than one asks for their number."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", show=False),
        Binding("left,h", "choose(-1)", "Previous signal", show=False),
        Binding("right,l,tab", "choose(1)", "Next signal", show=False),
    ]
    title_text = "Send a signal"
    keys = (("Enter", "sends it"), ("Tab", "another signal"), ("Esc", "does nothing"))

    def __init__(self, node: str, processes: Sequence[Process], name: str, clock: float) -> None:
        """`clock` is the node's wall clock: ages are told with it."""
        self._node = node
        self._processes = tuple(processes)
        self._clock = clock
        self.signal = name
        many = len(self._processes) > 1
        self.field = (
            f"KILL to {len(self._processes)}: type {len(self._processes)}" if many else None
        )
        super().__init__()

    def on_mount(self) -> None:
        self._show_choice()

    def action_choose(self, by: int) -> None:
        names = list(SIGNALS)
        self.signal = names[(names.index(self.signal) + by) % len(names)]
        self._show_choice()

    def first_focus(self) -> Widget:
        return self.query_one(Input) if self._needs_number else self.query_one(Sheet)

    def _show_choice(self) -> None:
        self.set_class(self.signal == "KILL", "bad")
        for field in self.query(Input):
            field.display = self._needs_number
        self.first_focus().focus()
        self.redraw()

    @property
    def _needs_number(self) -> bool:
        return self.signal == "KILL" and len(self._processes) > 1

    def lines(self, pen: Pen) -> list[Line]:
        inks = pen.inks
        choice: Line = [(" ", inks.text)]
        for name in SIGNALS:
            here = name == self.signal
            choice.append((f"[{name}]" if here else f" {name} ", inks.strong if here else inks.dim))
        tint = inks.bad if self.signal == "KILL" else inks.dim
        lines: list[Line] = [[], choice, *words(pen, SIGNALS[self.signal], tint, 2), []]
        count = len(self._processes)
        what = "this process" if count == 1 else f"these {count} processes"
        lines += words(pen, f"kill -{self.signal} to {what} on {self._node}:", inks.text, 1)
        lines += [_process(process, self._clock, pen) for process in self._processes[:_SHOWN]]
        if count > _SHOWN:
            lines.append([(f"   and {count - _SHOWN} more", inks.dim)])
        lines += words(pen, "Only if it is still the same process: number and start are compared there.", inks.dim, 1)  # fmt: skip
        return lines

    def action_send(self) -> None:
        if not self._needs_number:
            self.dismiss(self.signal)

    def submitted(self, value: str) -> None:
        if not self._needs_number or value.strip() == str(len(self._processes)):
            self.dismiss(self.signal)
        else:
            self.complain(f"type {len(self._processes)}")


def _process(process: Process, clock: float, pen: Pen) -> Line:
    inks = pen.inks
    since = age(None if process.started_at is None else clock - process.started_at)
    return [
        (f" {process.pid:>8} ", inks.strong),
        (fit(process.user, 9) + " ", inks.text),
        (f"{memory(process.memory_bytes):>9} {since:>6} ", inks.dim),
        (fit(process.command or process.name, max(8, pen.width - 38)), inks.text),
    ]
