"""Asks before something is done: what exactly, where, and for force on more than one, the number typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import Dialog


class ConfirmModal(Dialog[bool]):
    """True when the person confirmed; None when they left. `typed`: what must be typed for it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "confirm", "Confirm", show=False)]

    def __init__(
        self,
        title: str,
        verb: str,
        commands: Sequence[str],
        nodes: Sequence[str],
        *,
        warning: str = "",
        typed: str | None = None,
    ) -> None:
        """`commands` are shown exactly as they will be carried out on `nodes`."""
        super().__init__(classes="bad" if warning else "")
        self.title_text = title
        self.keys = (("Enter", verb), ("Esc", "does nothing"))
        self.field = None if typed is None else f"type {typed} to {verb}"
        self._commands = tuple(commands)
        self._where = tuple(nodes)
        self._warning = warning
        self._typed = typed

    def lines(self, pen: Pen) -> list[Line]:
        inks = pen.inks
        lines: list[Line] = [[]]
        for command in self._commands[:12]:
            lines += words(pen, command, inks.strong, 1)
        if len(self._commands) > 12:
            lines.append([(f" and {len(self._commands) - 12} more", inks.dim)])
        count = len(self._where)
        where = f"on {count} node{'s'[: count != 1]}: " + ", ".join(self._where)
        lines += [[], *words(pen, where, inks.text, 1)]
        if self._warning:
            lines += [[], *words(pen, self._warning, inks.bad, 1)]
        return lines

    def action_confirm(self) -> None:
        if self._typed is None:
            self.dismiss(True)

    def submitted(self, value: str) -> None:
        if value.strip() == self._typed:
            self.dismiss(True)
        else:
            self.complain(f"type {self._typed}")
