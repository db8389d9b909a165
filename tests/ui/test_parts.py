"""The pure parts of the screen: graphs, grids, orders, columns, fitting text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console import formatting
from console.fleet.filter import parse
from console.fleet.model import Connecting, Node, NodeSpec
from console.ui.ascii import plain
from console.ui.glyphs import ASCII, UNICODE
from console.ui.paint import Inks, fit
from console.ui.screens.fleet_rows import Order, arranged, matching
from console.ui.widgets.graph import bar, graph, heat_cell, newest
from console.ui.widgets.node_columns import fitting
from console.ui.widgets.pane_grid import arrange, scrolling


def nodes(*names: str, tags: dict[str, tuple[str, ...]] | None = None) -> list[Node]:
    return [
        Node(NodeSpec(name, tags=(tags or {}).get(name, ())), Connecting(0.0)) for name in names
    ]


@given(st.text(max_size=80), st.integers(0, 40), st.booleans())
def test_fitted_text_has_exactly_the_width_and_nothing_that_acts(
    text: str, width: int, right: bool
) -> None:
    fitted = fit(text, width, right)
    assert cell_len(fitted) == width
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in fitted)


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Mn", "Me", "Cf"]), max_size=40)
)
def test_ascii_keeps_the_width(text: str) -> None:
    assert plain(text).isascii()
    assert len(plain(text)) == cell_len(text)


def test_a_graph_stands_on_the_ground_line_at_zero_and_leaves_a_gap_where_nothing_is_known() -> (
    None
):
    assert graph([0.0, 0.0, None, None, 100.0, 100.0], 1, UNICODE) == ["⣀ ⣿"]
    assert graph([50.0, 100.0], 2, UNICODE) == ["⢸", "⣿"]
    assert graph([None, 0.0, 50.0, 100.0], 1, ASCII) == [" .=@"]


def test_the_newest_reading_is_on_the_right() -> None:
    assert newest([(1.0, 5.0), (2.0, None), (3.0, 7.0)], 4) == [None, 5.0, None, 7.0]
    assert newest([(1.0, 5.0), (2.0, 6.0), (3.0, 7.0)], 2) == [6.0, 7.0]


def test_a_bar_shows_something_for_little_and_nothing_for_unknown() -> None:
    assert bar(0.001, 10, UNICODE) == ("━", "╌" * 9)
    assert bar(None, 4, UNICODE) == ("", "    ")
    assert bar(1.5, 4, UNICODE) == ("━━━━", "")
    assert heat_cell(None, UNICODE) == "–"
    assert [heat_cell(value, UNICODE) for value in (0.0, 50.0, 100.0)] == ["▁", "▄", "█"]


@given(
    st.integers(1, 250), st.integers(1, 90), st.lists(st.integers(1, 40), min_size=1, max_size=5)
)
def test_panes_never_overlap_and_never_leave_the_screen(
    width: int, height: int, sizes: list[int]
) -> None:
    grid = arrange(width, height, sizes, len(sizes) > 1)
    if grid is None:
        grid = scrolling(width, sizes, len(sizes) > 1)
    else:
        assert grid.height <= height
    cells = set()
    for place in (place for group in grid.places for place in group):
        assert place.x + place.width <= width
        for y in range(place.y, place.y + place.height):
            assert (place.x, y) not in cells
            cells.add((place.x, y))
    assert [len(group) for group in grid.places] == sizes


def test_few_nodes_fit_a_small_terminal_and_many_do_not() -> None:
    assert arrange(80, 21, [3], False) is not None
    assert arrange(80, 21, [24], False) is None
    assert arrange(200, 57, [24], False) is not None
    assert arrange(200, 57, [200], False) is None


def test_groups_follow_the_first_tag_in_the_order_they_appear() -> None:
    fleet = nodes("a", "b", "c", tags={"a": ("x",), "b": ("y", "x"), "c": ("x",)})
    assert [(g.title, g.names) for g in arranged(fleet, Order(), (), True)] == [
        ("x", ("a", "c")),
        ("y", ("b",)),
    ]
    assert arranged(fleet, Order(), (), False)[0].names == ("a", "b", "c")
    assert arranged(fleet, Order("name", True), (), True)[0].names == ("c", "b", "a")
    assert [g.title for g in arranged(nodes("a", "b"), Order(), (), True)] == [""]


def test_a_filter_takes_what_it_says() -> None:
    assert [node.name for node in matching(nodes("gpu-1", "cpu-1"), parse("name~^gpu"), ())] == [
        "gpu-1"
    ]


@pytest.mark.parametrize("width", [20, 40, 76, 96, 116, 150, 196, 300])
@pytest.mark.parametrize("gpus", [0, 1, 8])
def test_columns_fill_the_width_and_the_name_always_stays(width: int, gpus: int) -> None:
    columns = fitting(width, 10, gpus)
    keys = [column.key for column in columns]
    assert keys[0] == "name"
    assert keys[-1] == "age"
    taken = sum(column.width + 1 for column in columns)
    assert taken <= width or all(column.rank == 0 for column in columns)
    assert gpus or "temp" not in keys
    assert [c.key for c in fitting(width, 10, 1, ("cpu",))] == ["name", "cpu", "age"]


def test_used_of_total_is_in_one_unit() -> None:
    gib = 1024**3
    assert formatting.memory_of(41 * gib, 128 * gib) == "41/128 GiB"
    assert formatting.memory_of(166 * gib, 2048 * gib) == "166/2048 GiB"
    assert formatting.memory_of(None, 5) == "–"
    assert formatting.memory_of(0.5 * gib, 4 * gib) == "512/4096 MiB"


def test_inks_of_a_theme_without_colours_of_its_own_still_paint() -> None:
    inks = Inks({"foreground": "ansi_default", "background": "ansi_default"})
    assert inks.on("primary", 0.3) is inks
    assert inks.level(-5.0) == inks.levels[0]
    assert inks.level(500.0) == inks.levels[-1]
