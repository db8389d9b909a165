"""Workers in a node's pane, its row of the table, and its overview."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from console.ui.glyphs import ASCII, UNICODE
from console.ui.lines import Pen
from console.ui.node.worker_lines import worker_lines
from console.ui.node_view import NodeView
from console.ui.paint import Inks
from console.ui.widgets.node_columns import COLUMNS
from console.ui.widgets.pane import draw_pane
from tests.fleet.crews import Crews, doing, record
from tests.fleet.world import disk, process, sample
from workers.protocol import WorkerRecord

INKS = Inks({"foreground": "ansi_default", "background": "ansi_default"})


def shown(*records: WorkerRecord, width: int = 60, height: int = 12) -> str:
    world = Crews("a")
    world.show("a", sample(disks=(disk(),), top=(process(7), process(8))))
    world.report("a", *records)
    return drawn(world, width, height)


def drawn(world: Crews, width: int = 60, height: int = 12) -> str:
    strips = draw_pane(NodeView(world.store, "a"), width, height, INKS, UNICODE)
    assert len(strips) == height
    assert {strip.cell_length for strip in strips} == {width}
    return "\n".join(strip.text for strip in strips)


def playing(number: int, **more: object) -> WorkerRecord:
    return record(
        f"selfplay-{number}", progress=doing(9.0, rate_per_minute=104.0, age_s=1.0), **more
    )


def training() -> WorkerRecord:
    said = doing(5.0, total=100.0, rate_per_minute=1.0, age_s=1.0)._replace(unit="epoch")
    return record("train", progress=said)


def test_copies_with_their_rate_and_one_with_an_end_how_far_it_is() -> None:
    text = shown(*(playing(n) for n in (1, 2, 3)), training())
    assert "▶ selfplay ×3 312/min" in text
    assert "▶ train epoch 5/100 95 min" in text


def test_what_is_wrong_comes_first_and_says_what() -> None:
    text = shown(
        playing(1),
        record("train", state="exited", signal=9, oom=True),
        record("old", state="lost", lost_reason="reboot"),
        height=14,
    )
    places = [
        text.index(word) for word in ("■ old lost", "■ train killed by SIGKILL", "▶ selfplay-1")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("height", range(5, 20))
@pytest.mark.parametrize("width", [28, 41, 60, 90])
def test_a_pane_of_any_size_has_its_exact_shape_with_many_workers(width: int, height: int) -> None:
    many = (playing(n) for n in range(9))
    odd = (record(f"w{n}", state="exited", exit_code=n) for n in range(1, 7))
    shown(*many, *odd, training(), width=width, height=height)


def test_of_a_node_that_went_down_the_pane_says_what_lived_there_when_it_was_last_seen() -> None:
    world = Crews("a")
    world.show("a", sample())
    world.report("a", playing(1), playing(2), record("x", state="exited", exit_code=0))
    world.lose("a", text="reset by peer")
    world.run(300)
    text = drawn(world)
    assert "reset by peer" in text
    assert "2 workers as last seen 5 min ago" in text
    assert "? selfplay ×2" in text
    assert "▶" not in text


def test_the_row_of_the_table_counts_who_works_and_who_is_wrong() -> None:
    column = next(column for column in COLUMNS if column.key == "workers")
    world = Crews("a")
    world.show("a", sample())

    def cell(glyphs: object = UNICODE) -> str:
        view = NodeView(world.store, "a")
        text = "".join(text for text, _ in column.draw(view, column.width, INKS, glyphs))  # type: ignore[arg-type]
        assert cell_len(text) == column.width
        return text.rstrip()

    assert cell() == ""
    world.report("a", *(playing(n) for n in range(4)))
    assert cell() == "▶4"
    assert cell(ASCII) == ">4"
    world.report("a", playing(1), record("y", state="exited", exit_code=1))
    assert cell() == "▶1 ■1"
    world.report("a", *(playing(n) for n in range(120)), record("y", state="exited", exit_code=1))
    assert cell() == "■1"
    world.lose("a")
    world.run(60)
    assert cell() == "?120"


def test_the_overview_tells_groups_with_their_last_words_and_the_age_of_what_is_not_seen() -> None:
    world = Crews("a")
    pen = Pen(100, INKS, UNICODE)

    def lines() -> str:
        found = worker_lines(world.store.workers_of("a"), pen)
        return "\n".join("".join(text for text, _ in line) for line in found)

    assert lines() == ""
    world.report(
        "a", playing(1, last_line="game 9 \x1b[31mdone"), record("x", state="exited", exit_code=0)
    )
    assert "▶ selfplay-1 104/min" in lines()
    assert "\x1b" not in lines()
    world.lose("a")
    world.run(300)
    assert "as last seen 5 min ago" in lines()
    assert "▶" not in lines()
