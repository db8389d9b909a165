"""The line where a filter is typed; what it shows changes with every keystroke."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from console.ui.messages import FilterLeft, FilterTyped


class FilterBar(Horizontal):
    """Enter keeps the filter, Esc takes it back."""

    DEFAULT_CSS = """
    FilterBar { dock: bottom; height: 1; margin-bottom: 1; background: $panel; display: none; }
    FilterBar.open { display: block; }
    FilterBar > .sign { width: 3; color: $accent; text-style: bold; }
    FilterBar > Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    FilterBar > Input:focus { border: none; }
    FilterBar > .complaint { width: auto; max-width: 50%; height: 1; color: $error; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "take_back", "take back", id="filter_take_back", show=True),
        Binding("enter", "keep", "keep", id="filter_keep", show=True),
    ]

    def __init__(self, hint: str) -> None:
        super().__init__()
        self._hint = hint
        self._before: Widget | None = None  # what had the keys

    def compose(self) -> ComposeResult:
        yield Static(Content(" / "), classes="sign")
        entry = Input(placeholder=self._hint, select_on_focus=False)
        entry.cursor_blink = False  # the bar is still while one reads
        yield entry
        yield Static(Content(""), classes="complaint")

    def open(self, text: str, sign: str = "/", hint: str = "") -> None:
        """Shows the bar with `text` behind the key that opened it, and takes the focus."""
        self.query_one(".sign", Static).update(Content(f" {sign} "))
        entry = self.query_one(Input)
        entry.placeholder = hint or self._hint
        with entry.prevent(Input.Changed):
            entry.value = text
        self.complain("")
        self.add_class("open")
        if self.screen.focused is not entry:
            self._before = self.screen.focused
        self.screen.set_focus(entry)  # at once: the next keys may be here already
        entry.select_all()  # typing starts afresh; an arrow key keeps the old text

    def complain(self, text: str) -> None:
        """Says what is wrong with the filter; "" takes it back."""
        self.query_one(".complaint", Static).update(Content(text))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(FilterTyped(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_keep()

    def action_keep(self) -> None:
        self._close(kept=True)

    def action_take_back(self) -> None:
        self._close(kept=False)

    def _close(self, kept: bool) -> None:
        self.remove_class("open")
        before = self._before
        self.screen.set_focus(before if before is not None and before.is_attached else None)
        self.post_message(FilterLeft(kept))
