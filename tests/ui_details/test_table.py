"""The table: what a person sees while moving, sorting and marking."""

from __future__ import annotations

from textual.app import App, ComposeResult

from console.ui.glyphs import UNICODE
from console.ui.paint import Inks
from console.ui.widgets.columns import Cell, Column
from console.ui.widgets.table import Table

COLUMNS = (
    Column("name", "NAME", 8, grow=True),
    Column("count", "COUNT", 7, right=True),
    Column("extra", "EXTRA", 30, rank=1),
)


class Harness(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.painted: list[str] = []
        self.asked: list[tuple[str, bool]] = []
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield Table(COLUMNS, self.cells, sort="name")

    def inks(self, paper: str) -> Inks:
        return Inks(self.theme_variables, paper)

    @property
    def glyphs(self) -> object:
        return UNICODE

    def cells(self, key: str, inks: Inks) -> tuple[Cell, ...]:
        self.painted.append(key)
        return ((key, inks.good), "12,345,678", "[/x] not markup")

    def on_table_sort_asked(self, message: Table.SortAsked) -> None:
        self.asked.append((message.column, message.descending))

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.chosen.append(message.key)


def lines(table: Table) -> list[str]:
    return [table.render_line(y).text for y in range(table.size.height)]


async def test_only_rows_in_sight_are_painted_and_the_cursor_stays_on_its_key() -> None:
    app = Harness()
    async with app.run_test(size=(40, 12)) as pilot:
        table = app.query_one(Table)
        table.focus()
        table.show_keys(f"row{i:04}" for i in range(5000))
        await pilot.pause()
        assert len(set(app.painted)) < 30
        await pilot.press("G")
        await pilot.pause()
        assert table.current == "row4999"
        assert "row4999" in lines(table)[-1]
        table.show_keys(f"row{i:04}" for i in range(4990, 5000))
        assert table.current == "row4999"
        await pilot.press("g", "j", "enter")
        await pilot.pause()
        assert app.chosen == ["row4991"]


async def test_narrow_screens_drop_ranked_columns_and_long_cells_are_cut_visibly() -> None:
    app = Harness()
    async with app.run_test(size=(40, 6)) as pilot:
        table = app.query_one(Table)
        table.show_keys(["a"])
        await pilot.pause()
        assert "EXTRA" not in lines(table)[0]
        assert "12,345…" in lines(table)[1]
        await pilot.resize_terminal(80, 6)
        await pilot.pause()
        assert "EXTRA" in lines(table)[0]
        assert "[/x] not markup" in lines(table)[1]


async def test_sort_is_asked_of_the_owner_and_shown_in_the_header() -> None:
    app = Harness()
    async with app.run_test(size=(80, 6)) as pilot:
        table = app.query_one(Table)
        table.focus()
        await pilot.press(">", "=")
        await pilot.pause()
        assert app.asked == [("count", False), ("count", True)]
        assert "COUNT▾" in lines(table)[0]


async def test_marks_are_shown_by_a_sign_and_an_empty_table_says_so() -> None:
    app = Harness()
    async with app.run_test(size=(80, 6)) as pilot:
        table = app.query_one(Table)
        await pilot.pause()
        assert "nothing here" in lines(table)[1]
        table.show_keys(["a", "b"])
        table.mark(frozenset({"b"}))
        await pilot.pause()
        assert lines(table)[2].startswith("✓b")
