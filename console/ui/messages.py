"""What widgets tell the screens and the app: messages go up, attributes go down."""

from __future__ import annotations

from textual.message import Message


class NodeOpened(Message):
    """Enter or a second click on a node."""

    def __init__(self, node: str) -> None:
        super().__init__()
        self.node = node


class CursorMoved(Message):
    """The cursor stands on another node; None when there is none."""

    def __init__(self, node: str | None) -> None:
        super().__init__()
        self.node = node


class FilterTyped(Message):
    """The text of the filter bar changed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class FilterLeft(Message):
    """The filter bar closes: kept (Enter) or taken back (Esc)."""

    def __init__(self, kept: bool) -> None:
        super().__init__()
        self.kept = kept
