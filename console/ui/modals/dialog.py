"""What every dialog shares: a box with a title, a sheet of lines, an optional field, and its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input

from console.text import one_line
from console.ui.contained import Contained
from console.ui.lines import Line, Pen, length
from console.ui.paint import Piece, strip
from console.ui.widgets.painted import Painted
from console.ui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from console.runtime import Runtime
    from console.ui.app import QuarterdeckApp

Result = TypeVar("Result")
PAPER = "surface"


class DialogKeys(Painted):
    """The last line of a dialog: its keys, or why it refused."""

    DEFAULT_CSS = "DialogKeys { height: 1; margin-top: 1; }"
    paper = PAPER

    def __init__(self, keys: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self.keys = keys
        self.complaint = ""

    def draw_line(self, y: int, width: int) -> Strip:
        inks = self.inks
        pieces: Line = []
        for key, does in self.keys:
            pieces += [(key, inks.key), (f" {does}   ", inks.dim)]
        said: Piece = (one_line(self.complaint, width), inks.bad)
        fits = not self.complaint or length(pieces) + cell_len(said[0]) <= width
        pieces = [*pieces, said] if fits else [said]
        return strip(pieces, width, inks.text)


class Dialog(Contained, ModalScreen[Result], Generic[Result]):
    """Subclasses give `lines` and, with a field, `submitted`. `keys` are shown, `BINDINGS` do the work."""

    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > #box {
        width: 84; max-width: 94%; height: auto; max-height: 94%;
        padding: 0 1; border: round $primary; background: $surface;
        border-title-color: $primary; border-title-style: bold;
    }
    Dialog.bad > #box { border: round $error; border-title-color: $error; }
    Dialog #box Sheet { height: auto; background: $surface; }
    Dialog #box Input {
        height: 1; border: none; padding: 0 1; margin-top: 1; background: $panel; width: 1fr;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Leave", show=False),
        Binding("ctrl+c", "leave", "Leave", show=False),
    ]
    title_text: str = ""
    keys: tuple[tuple[str, str], ...] = (("Esc", "leaves"),)
    field: str | None = None  # the field's placeholder; None: no field
    secret: bool = False

    @property
    def console_app(self) -> QuarterdeckApp:
        return cast("QuarterdeckApp", self.app)

    @property
    def runtime(self) -> Runtime:
        return self.console_app.runtime

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Sheet(self.lines, paper=PAPER, fitted=True)
            if self.field is not None:
                yield Input(placeholder=self.field, password=self.secret, select_on_focus=False)
            yield DialogKeys(self.keys)

    def on_mount(self) -> None:
        self._give_room()
        box = self.query_one("#box")
        box.border_title = Content(one_line(self.title_text, 120))
        self.first_focus().focus()

    def on_resize(self) -> None:
        self._give_room()

    def _give_room(self) -> None:
        """The sheet scrolls where the box would not fit, so that the field and the keys stay in sight."""
        frame = 4 + (2 if self.field is not None else 0)
        self.query_one(Sheet).styles.max_height = max(3, self.size.height * 94 // 100 - frame)

    def first_focus(self) -> Widget:
        """What takes the keys when the dialog opens."""
        return self.query_one(Input) if self.field is not None else self.query_one(Sheet)

    def lines(self, pen: Pen) -> list[Line]:
        """What stands in the box."""
        return []

    def redraw(self) -> None:
        """Harmless while the dialog goes: what it waited for may come just then."""
        for sheet in self.query(Sheet):
            sheet.redraw()

    def show_keys(self, *keys: tuple[str, str]) -> None:
        """Other keys hold from now on."""
        for line in self.query(DialogKeys):
            line.keys, line.complaint = keys, ""
            line.refresh()

    def complain(self, why: str) -> None:
        """Says in the last line why it does not go on."""
        for line in self.query(DialogKeys):
            line.complaint = why
            line.refresh()

    def action_leave(self) -> None:
        self.dismiss(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.submitted(event.value)

    def submitted(self, value: str) -> None:
        """Enter in the field."""
