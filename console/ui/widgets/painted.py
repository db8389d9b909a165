"""A widget that paints its lines itself, in the theme's inks, and survives its own errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.strip import Strip

from console.ui.contained import ContainedWidget
from console.ui.glyphs import Glyphs
from console.ui.paint import Inks

if TYPE_CHECKING:
    from console.ui.app import QuarterdeckApp


class Painted(ContainedWidget):
    """Subclasses give `draw_line(y, width)` for each line of the widget's content."""

    paper: ClassVar[str] = "background"

    @property
    def console_app(self) -> QuarterdeckApp:
        return cast("QuarterdeckApp", self.app)

    @property
    def inks(self) -> Inks:
        return self.console_app.inks(self.paper)

    @property
    def glyphs(self) -> Glyphs:
        return self.console_app.glyphs

    def render_line(self, y: int) -> Strip:
        return self.draw_line(y, self.size.width)

    def draw_line(self, y: int, width: int) -> Strip:
        """One line of exactly `width` cells."""
        raise NotImplementedError
