"""The Workers screen: what its rows and its detail say, which rows there are, and that they stay where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.fleet.events import WorkersArrived
from console.ui.widgets.sheet import Sheet
from tests.backends.memory_agent import MemoryNode
from tests.ui.fleets import CLOCK, fed, node_up
from tests.ui.screens import opened
from tests.ui_details.consoles import (
    DemoConsole,
    dialog,
    screen_text,
    settled,
    sheet_text,
    shown,
    until,
)
from tests.ui_workers.worlds import console, on_workers, says, start, two_nodes
from workers.protocol import CommandWorker, WorkerRecord, WorkerReport


@pytest.fixture
def a() -> MemoryNode:
    return two_nodes()[0]


@pytest.fixture
def b() -> MemoryNode:
    return two_nodes()[1]


def names(pilot: Pilot[Any]) -> list[str]:
    """Of the rows, in their order."""
    listed = pilot.app.screen.list  # type: ignore[attr-defined]
    return [listed._views[key].name for key in listed.table.keys]


async def test_rows_say_how_each_worker_fares_and_the_detail_what_is_wanted() -> None:
    app = DemoConsole(24)
    async with app.run_test(size=(200, 60)) as pilot:
        await settled(pilot)
        listed = await on_workers(pilot)
        await until(pilot, lambda: len(listed.table.keys) > 60, "all workers")
        text = screen_text(pilot)
        for said in ("SIGKILL (memory)", "crash-loop", "lost: reboot", "stalled", "blocked",
                     "kill pending", "again in", "running, adopted", "unguarded", "slow"):  # fmt: skip
            assert said in text, said
        listed.apply_filter("worker:openings")
        text = await says(pilot, "openings on cpu-2: wanted running, lost")
        assert "python -m workers.openings" in text
        listed.apply_filter("worker:train node:gpu-1")
        text = await says(pilot, "train on gpu-1: wanted running, running for")
        assert "5/100 epoch" in text


async def test_rows_stay_where_they_are_until_they_are_sorted(
    tmp_path: Path, a: MemoryNode
) -> None:
    async with console(tmp_path, a) as pilot:
        for name in ("w-1", "w-2", "w-10"):
            await start(pilot.app.runtime, name=name)
        await on_workers(pilot)
        assert names(pilot) == ["w-1", "w-2", "w-10"]
        await pilot.press("j")
        await a.backend.command(_stop(a, "w-1"))
        await until(pilot, lambda: "1 alive" in screen_text(pilot) or "2 alive" in screen_text(pilot), "the stop")  # fmt: skip
        assert names(pilot) == ["w-1", "w-2", "w-10"]
        await start(pilot.app.runtime, name="w-3")
        await shown(pilot)
        assert names(pilot) == ["w-1", "w-2", "w-3", "w-10"]
        assert pilot.app.screen.list.current.name == "w-2"
        await pilot.press("equals_sign", "equals_sign")
        await shown(pilot)
        assert names(pilot) == ["w-2", "w-3", "w-10", "w-1"], "what is over comes last"


def _stop(node: MemoryNode, name: str) -> CommandWorker:
    run = next(r for r in node.backend.report.workers if r.name == name)
    return CommandWorker(run.run_id, "stop", "somebody@else")


async def test_filter_marks_and_choices_are_taken_back_one_by_one(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    async with console(tmp_path, a, b) as pilot:
        await start(pilot.app.runtime, name="one")
        await start(pilot.app.runtime, name="two", node="b")
        await start(pilot.app.runtime, "say", "x", "3", name="bad", node="b")
        await on_workers(pilot)
        await pilot.press("w")
        await says(pilot, "only the unwell")
        assert names(pilot) == ["bad"]
        await pilot.press("escape", "slash", *"node:b", "enter")
        await says(pilot, "/ node:b")
        assert sorted(names(pilot)) == ["bad", "two"]
        await pilot.press("asterisk")  # the table has its keys back
        await says(pilot, "2 marked")
        await pilot.press("escape")
        assert "marked" not in screen_text(pilot)
        await pilot.press("escape")
        assert sorted(names(pilot)) == ["bad", "one", "two"]
        await pilot.press("slash", *"rate>x")
        await says(pilot, "rate is compared with a number")
        await pilot.press("escape", "q")
        assert type(pilot.app.screen).__name__ == "FleetScreen"


async def test_earlier_runs_are_shown_on_request(tmp_path: Path, a: MemoryNode) -> None:
    async with console(tmp_path, a) as pilot:
        await start(pilot.app.runtime, "say", "x", "1")
        await start(pilot.app.runtime)
        await on_workers(pilot)
        assert names(pilot) == ["w"]
        await pilot.press("e")
        await says(pilot, "earlier runs too", "exit 1")
        assert names(pilot) == ["w", "w"]


async def test_workers_of_a_node_that_does_not_answer_stay_as_last_seen(
    tmp_path: Path, a: MemoryNode
) -> None:
    async with console(tmp_path, a) as pilot:
        await start(pilot.app.runtime)
        await on_workers(pilot)
        a.refuse_links = True
        await a.cut()
        text = await says(pilot, "? running", "1 as last seen")
        assert "0 alive" in text


async def test_help_and_palette_have_every_key_in_words(tmp_path: Path, a: MemoryNode) -> None:
    async with console(tmp_path, a) as pilot:
        await start(pilot.app.runtime)
        await on_workers(pilot)
        await pilot.press("question_mark")
        await says(pilot, "Keys: Workers")
        text = sheet_text(dialog(pilot).query_one(Sheet))
        for words in (
            "start workers: a preset or a command", "stop workers: asked to end", "kill workers, the whole tree",
            "stop workers, then start them again", "kill workers, then start them again",
            "let workers finish their unit", "processes no record owns", "the logs of the selection",
            "run a command on the marked nodes", "only the workers that are not as they should be",
            "the earlier runs of each worker", "mark every worker shown", "rate<10", "needs you",
        ):  # fmt: skip
            assert words in text, words
        assert "forget runs that are over" not in text, "nothing is over: the key does nothing"
        await pilot.press("escape", "colon", *"drain")
        await says(pilot, "Let workers finish their unit")


async def test_the_footer_offers_at_80_columns_what_is_done_most(
    tmp_path: Path, a: MemoryNode
) -> None:
    async with console(tmp_path, a, size=(80, 24)) as pilot:
        await start(pilot.app.runtime)
        await says(pilot, "S start", "x stop", "l logs")
        await on_workers(pilot)
        footer = screen_text(pilot).splitlines()[-1]
        for offered in ("? help", "Enter details", "Space mark", "S start", "x stop", "l logs"):
            assert offered in footer


async def test_a_thousand_workers_scroll_and_go_on(tmp_path: Path) -> None:
    store = fed(event for node in NODES for event in node_up(node))
    for node in NODES:
        store.apply(_report(node, 100.0))
    async with opened(store, tmp_path, (120, 40)) as pilot:
        listed = await on_workers(pilot)
        await says(pilot, "1000 workers, 1000 alive")
        await pilot.press("G")
        last = listed.current
        await says(pilot, f"{last.name} on {last.node}")
        store.apply(_report(last.node, 101.0, stopped=last.name))
        await says(pilot, "999 alive", "stopped")
        assert listed.current.key == last.key
        await pilot.press("g")
        await says(pilot, "w-0 on n-0")


NODES = [f"n-{number}" for number in range(10)]


def _report(node: str, at: float, stopped: str = "") -> WorkersArrived:
    """A hundred workers of one node, one of which may be stopped."""
    records = tuple(
        WorkerRecord(
            f"{node}-{number}", f"w-{number}", "stopped" if f"w-{number}" == stopped else "running",
            pid=number + 1, running_s=at, cpu_percent=99.0, log_age_s=1.0, last_line="game 1",
        )
        for number in range(100)
    )  # fmt: skip
    return WorkersArrived(node, at, WorkerReport(CLOCK, records))
