"""Which file of which node to follow."""

from __future__ import annotations

from console.ui.lines import Line, Pen, words
from console.ui.logs.feed import LogSource
from console.ui.modals.dialog import Dialog


class LogFile(Dialog[LogSource]):
    """Gives the file as a source, or None."""

    title_text = "Follow a file of a node"
    keys = (("Enter", "follows it"), ("Esc", "leaves"))
    field = "node:path"

    def __init__(self, node: str) -> None:
        super().__init__()
        self._node = node

    def on_mount(self) -> None:
        from textual.widgets import Input

        field = self.query_one(Input)
        field.value = f"{self._node}:" if self._node else ""
        field.cursor_position = len(field.value)

    def lines(self, pen: Pen) -> list[Line]:
        said = "The path as it is on the node: absolute, or relative to the node's root. It is read as your account there reads it."
        return [[], *words(pen, said, pen.inks.text)]

    def submitted(self, value: str) -> None:
        node, colon, path = value.strip().partition(":")
        if not colon or not path.strip():
            self.complain("a node, a colon and a path: gpu-1:/var/log/syslog")
        elif node not in self.runtime.store.nodes:
            self.complain(f"there is no node named {node}")
        else:
            self.dismiss(LogSource(node, path=path.strip()))
