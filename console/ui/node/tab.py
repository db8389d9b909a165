"""The tabs of the Node screen: the line that names them, and what each is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.containers import Container
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from console.ui import filter_words
from console.ui.contained import Contained
from console.ui.filter_words import FilterWords
from console.ui.paint import Piece, strip
from console.ui.widgets.painted import Painted

if TYPE_CHECKING:
    from console.fleet.model import Node
    from console.ui.app import QuarterdeckApp


class NodeTab(Contained, Container):
    """One tab. `refresh_facts` is called while it is shown, each time the node changed."""

    DEFAULT_CSS = "NodeTab { height: 1fr; width: 1fr; }"
    title: ClassVar[str] = ""
    filter_words: ClassVar[FilterWords] = filter_words.TEXT

    def __init__(self, node: str) -> None:
        super().__init__()
        self.node_name = node

    @property
    def console_app(self) -> QuarterdeckApp:
        return cast("QuarterdeckApp", self.app)

    @property
    def node(self) -> Node | None:
        node: Node | None = self.console_app.runtime.store.nodes.get(self.node_name)
        return node

    def refresh_facts(self) -> None:
        """The facts of the node changed."""

    def shown(self) -> None:
        """The tab came to the front."""

    def hidden(self) -> None:
        """Another tab came to the front."""

    def text_to_copy(self) -> str:
        return self.node_name

    def step_back(self) -> bool:
        """Esc: takes back the innermost thing; False where there is nothing."""
        return False

    def panes(self) -> list[Widget]:
        """What can have the focus here, in order."""
        return [widget for widget in self.walk_children(Widget) if widget.focusable]


class TabLine(Painted):
    """The names of the tabs on one line; the one in front is set apart by sign and ink."""

    DEFAULT_CSS = "TabLine { height: 1; }"

    class Picked(Message):
        """A click on a tab's name."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self._titles = tuple(titles)
        self.place = 0

    def show(self, place: int) -> None:
        self.place = place
        self.refresh()

    def draw_line(self, y: int, width: int) -> Strip:
        inks, glyphs = self.inks, self.glyphs
        pieces: list[Piece] = [(" ", inks.text)]
        for place, title in enumerate(self._titles):
            here = place == self.place
            pieces.append(
                (f"[{title}]" if here else f" {title} ", inks.title if here else inks.dim)
            )
            pieces.append((" ", inks.text))
        pieces.append((f"{glyphs.middot} [ ] switch", inks.faint))
        return strip(pieces, width, inks.text)

    def on_click(self, event: events.Click) -> None:
        left = 1
        for place, title in enumerate(self._titles):
            if left <= event.x < left + len(title) + 2:
                self.post_message(self.Picked(place))
                return
            left += len(title) + 3
