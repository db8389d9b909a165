"""The Fleet screen as a person sees it: at both sizes, with few, many and a thousand nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.fleet.events import ClockTicked, NodeAdded, NodeRemoved, SampleArrived
from console.fleet.model import NodeSpec, Transport
from tests.ui.fleets import CLOCK, StandIn, demo_store, fed, many_store, node_lost, node_up, sample
from tests.ui.screens import opened, settled, shows, text

SMALL, LARGE = (80, 24), (200, 60)


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("nodes", [1, 3, 40])
async def test_every_size_shows_state_figures_and_keys(
    tmp_path: Path, size: tuple[int, int], nodes: int
) -> None:
    async with opened(demo_store(nodes), tmp_path, size) as pilot:
        seen = text(pilot)
        lines = seen.splitlines()
        assert "home" in seen
        assert "nodes up" in lines[0]
        assert "155" in seen or "221k" in seen  # the data count
        assert "Enter open" in lines[-1]
        assert all(len(line) <= size[0] for line in lines)


async def test_panes_become_a_table_when_they_no_longer_fit_and_v_switches(tmp_path: Path) -> None:
    async with opened(demo_store(3), tmp_path, SMALL) as pilot:
        assert "╭─ ● home" in text(pilot)
        await pilot.press("v")
        assert "RECORDS" in await shows(pilot, "NODE")
        await pilot.press("v")
        await shows(pilot, "╭─ ● home")
    async with opened(demo_store(24), tmp_path, SMALL) as pilot:
        assert "RECORDS" in text(pilot)
        await pilot.resize_terminal(*LARGE)
        await shows(pilot, "╭─ ● home")


async def test_a_pane_holds_all_that_the_fleet_screen_promises(tmp_path: Path) -> None:
    async with opened(demo_store(3), tmp_path, LARGE) as pilot:
        seen = text(pilot)
        for fact in ("4×H100", "up 12 d", "86 %", "load", "71/512 GiB", "93", "71°", "1834 W",
                     "/data", "91 %", "full in 9 h", "143,119", "+1,204/h", "python"):  # fmt: skip
            assert fact in seen
        assert "▲ GPU 3" in seen  # the alert badge, in words


async def test_a_thousand_nodes_scroll_in_a_table(tmp_path: Path) -> None:
    async with opened(many_store(1000), tmp_path, LARGE) as pilot:
        assert "sim-0999" not in text(pilot)
        await pilot.press("G")
        assert "● sim-0000" not in await shows(pilot, "● sim-0999")
        await pilot.press("g")
        await shows(pilot, "● sim-0000")
        await pilot.press("pagedown", "pagedown")
        await shows(pilot, lambda now: "● sim-0000" not in now and "● sim-0100" in now)


async def test_only_what_is_in_sight_is_drawn(tmp_path: Path) -> None:
    store = many_store(1000)
    async with opened(store, tmp_path, LARGE) as pilot:
        board = pilot.app.screen.board  # type: ignore[attr-defined]
        board._drawn.clear()
        for name in list(store.nodes)[500:600]:
            store.apply(SampleArrived(name, store.now + 0.1, sample()))
        await settled(pilot)
        assert not set(board._drawn) & set(list(store.nodes)[500:600])


async def test_a_node_that_does_not_answer_says_why_on_its_own_row(tmp_path: Path) -> None:
    store = fed([*node_up("good"), *node_lost("bad", "10.0.0.9:22 refused the connection")])
    for keys in ((), ("v",)):
        async with opened(store, tmp_path) as pilot:
            await pilot.press(*keys)
            row = next(
                line for line in (await shows(pilot, "refused")).splitlines() if "refused" in line
            )
            assert "10.0.0.9:22 refused the connection" in row
            assert "0 %" not in row.split("good")[-1] or "41 %" in row


async def test_a_missed_sample_shows_its_age_and_never_a_zero(tmp_path: Path) -> None:
    store = fed(node_up("slow", at=100.0))
    async with opened(store, tmp_path) as pilot:
        store.apply(ClockTicked(107.0, CLOCK + 7))
        await settled(pilot)
        now = await shows(pilot, "7.0 s")
        assert "stale" in now
        assert "41 %" in now


async def test_what_is_not_available_is_a_dash(tmp_path: Path) -> None:
    store = fed(node_up("odd"))
    store.apply(SampleArrived("odd", 101.0, sample(cpu=None)))
    async with opened(store, tmp_path) as pilot:
        cpu = next(line for line in text(pilot).splitlines() if "cpu" in line)
        assert "– " in cpu
        assert "0 %" not in cpu


async def test_nodes_come_and_go_while_the_screen_is_open(tmp_path: Path) -> None:
    store = fed(node_up("first"))
    async with opened(store, tmp_path) as pilot:
        for event in node_up("second", at=101.0):
            store.apply(event)
        await shows(pilot, "second")
        store.apply(NodeRemoved("first", 102.0))
        await shows(pilot, lambda now: "first" not in now)
        assert pilot.app.screen.current_node() == "second"  # type: ignore[attr-defined]


async def test_an_empty_fleet_and_the_last_node_leaving_are_no_error(tmp_path: Path) -> None:
    store = fed(node_up("only"))
    async with opened(store, tmp_path) as pilot:
        store.apply(NodeRemoved("only", 102.0))
        await shows(pilot, "no nodes: name hosts")
        await pilot.press(
            "j", "k", "G", "space", "z", "v", "y", "enter", "pagedown", "greater_than_sign"
        )
        await settled(pilot)


async def test_rows_stay_where_they_are_until_a_sort_is_asked_for(tmp_path: Path) -> None:
    store = fed([event for name in ("one", "two", "three") for event in node_up(name)])
    for name, cpu in (("one", 10.0), ("two", 90.0), ("three", 50.0)):
        store.apply(SampleArrived(name, 101.0, sample(cpu=cpu)))
    async with opened(store, tmp_path) as pilot:
        screen = pilot.app.screen
        await pilot.press("v")
        assert screen.shown == ("one", "two", "three")  # type: ignore[attr-defined]
        while screen.order.column != "cpu":  # type: ignore[attr-defined]
            await pilot.press("greater_than_sign")
        assert screen.shown == ("two", "three", "one")  # type: ignore[attr-defined]
        store.apply(SampleArrived("one", 102.0, sample(cpu=99.0)))
        await settled(pilot)
        assert screen.shown == ("two", "three", "one")  # type: ignore[attr-defined]
        await pilot.press("equals_sign")
        assert screen.shown == ("three", "two", "one")  # type: ignore[attr-defined]
        assert "by cpu" in text(pilot)


async def test_a_click_on_a_header_sorts_and_a_second_one_reverses(tmp_path: Path) -> None:
    async with opened(demo_store(24), tmp_path, (160, 40)) as pilot:
        header = text(pilot).splitlines()[2]
        for sign in ("▾", "▴"):
            await pilot.click("#table", offset=(header.index("CPU") + 1, 0))
            await shows(pilot, f"CPU{sign}")


async def test_groups_by_tag_have_a_heading_and_t_takes_them_away(tmp_path: Path) -> None:
    async with opened(demo_store(24), tmp_path) as pilot:
        assert "── rented ── 6/11 up" in text(pilot)
        await pilot.press("t")
        await shows(pilot, lambda now: "── rented" not in now)


async def test_the_filter_narrows_while_it_is_typed_and_says_what_is_wrong(tmp_path: Path) -> None:
    async with opened(demo_store(24), tmp_path) as pilot:
        await pilot.press("slash", *"name~^gpu")
        await shows(pilot, lambda now: "gpu-1" in now and "lambda-1" not in now)
        await pilot.press("enter")
        await shows(pilot, "/name~^gpu 6/24")
        await pilot.press("escape")
        await shows(pilot, "lambda-1")
        await pilot.press("slash", *"nosuch>3")
        await shows(pilot, "there is no field")
        await pilot.press("escape")
        assert pilot.app.screen.filter_text == ""  # type: ignore[attr-defined]


async def test_marks_are_set_counted_and_cleared(tmp_path: Path) -> None:
    async with opened(demo_store(24), tmp_path) as pilot:
        screen = pilot.app.screen
        await pilot.press("space", "space")
        await shows(pilot, "2 marked")
        assert screen.selected_nodes() == ("home", "gpu-1")  # type: ignore[attr-defined]
        await pilot.press("asterisk")
        assert len(screen.selected_nodes()) == 24  # type: ignore[attr-defined]
        await pilot.press("ctrl+backslash")
        await shows(pilot, lambda now: "marked" not in now)


async def test_zoom_gives_one_node_the_screen_and_escape_gives_it_back(tmp_path: Path) -> None:
    async with opened(demo_store(24), tmp_path) as pilot:
        await pilot.press("j", "z")
        await shows(pilot, lambda now: "gpu-1" in now and "lambda-1" not in now)
        await pilot.press("escape")
        await shows(pilot, "lambda-1")


async def test_ascii_has_no_sign_that_is_not_ascii(tmp_path: Path) -> None:
    for size in (SMALL, LARGE):
        async with opened(demo_store(24), tmp_path, size, ascii_only=True) as pilot:
            assert {c for c in text(pilot) if not c.isascii()} == set()
            assert "? help" in text(pilot)
            assert "* home" in text(pilot)


async def test_sixty_characters_of_name_do_not_move_the_columns(tmp_path: Path) -> None:
    names = ("a", "n" * 60, "界" * 20)
    store = fed([event for name in names for event in node_up(name)])
    async with opened(store, tmp_path, SMALL) as pilot:
        await pilot.press("v")
        await settled(pilot)
        rows = pilot.app.screen.board  # type: ignore[attr-defined]
        assert all(rows.strips_of(name)[0].cell_length == 80 for name in names)


async def test_a_node_without_a_first_word_is_connecting(tmp_path: Path) -> None:
    store = fed([NodeAdded("new", 100.0, NodeSpec("new", Transport.MEMORY))])
    async with opened(store, tmp_path, runtime=StandIn(store)) as pilot:
        assert "connecting" in text(pilot)
        assert "waiting for 1 of 1 nodes" in text(pilot)
        assert "nothing is wrong" not in text(pilot)
