"""A password, a passphrase, a one-time code: one question at a time."""

from __future__ import annotations

from console.channels.prompt import Prompt
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import Dialog


class PromptModal(Dialog[str]):
    """The answer, or None when the person declined. What is typed is shown only where `echo` says so."""

    keys = (("Enter", "answers"), ("Esc", "declines"))
    field = ""

    def __init__(self, prompt: Prompt) -> None:
        super().__init__()
        self._prompt = prompt
        self.secret = not prompt.echo
        self.title_text = prompt.node

    def lines(self, pen: Pen) -> list[Line]:
        inks = pen.inks
        lines: list[Line] = [[], *words(pen, self._prompt.title, inks.strong, 1)]
        if self._prompt.text:
            lines += words(pen, self._prompt.text, inks.text, 1)
        return lines

    def submitted(self, value: str) -> None:
        self.dismiss(value)
