"""Starting workers from the screen: presets with their defaults as hints, the exact plan, and what stands against it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from console.ui.modals.start import StartModal
from console.ui.widgets.choice import Choice
from tests.backends.memory_agent import MemoryNode
from tests.ui_details.consoles import screen_text, until
from tests.ui_workers.worlds import (
    console,
    on_workers,
    says,
    start,
    states,
    toasts,
    two_nodes,
    type_into,
)


@pytest.fixture
def a() -> MemoryNode:
    return two_nodes()[0]


@pytest.fixture
def b() -> MemoryNode:
    return two_nodes()[1]


async def test_a_preset_shows_its_defaults_and_starts_its_copies(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    async with console(tmp_path, a, b) as pilot:
        await pilot.press("S")
        text = await says(
            pilot, "[play]", "starts 2 workers on 1 node: a",
            "BOARD=hex8 KEY=<env KEY> python3 play.py --forever", "as play-1, play-2 on a",
        )  # fmt: skip
        hints = {field.id: field.placeholder for field in pilot.app.screen.query(Input)}
        assert hints["copies"] == "2"
        assert hints["grace"] == "20s"
        assert hints["restart"] == "on-failure"
        assert hints["command"] == "python3 play.py --forever"
        assert hints["environment"] == "BOARD=hex8 KEY=(read there)"
        assert "Esc does nothing" in text
        await pilot.press("enter")
        await until(
            pilot,
            lambda: states(a, b) == {"play-1@a": "running", "play-2@a": "running"},
            "the copies",
        )
        await until(pilot, lambda: not isinstance(pilot.app.screen, StartModal), "the dialog's end")
        assert "2 workers started" in toasts(pilot)


async def test_overrides_are_in_the_plan_and_in_what_runs(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    async with console(tmp_path, a, b) as pilot:
        await pilot.press("S")
        await says(pilot, "[play]")
        for field, text in (
            ("#nodes", "a,b"), ("#name", "mine"), ("#copies", "1"), ("#grace", "3s"),
            ("#restart", "al"), ("#environment", "BOARD='two words' X=1"),
        ):  # fmt: skip
            await type_into(pilot, field, text)
        text = await says(pilot, "starts 2 workers on 2 nodes: a, b", "BOARD='two words'", "X=1")
        assert "preset play is for 'tag:play', not for b" in text
        await pilot.press("enter")
        await until(pilot, lambda: len(states(a, b)) == 2, "both")
        spec = next(iter(b.backend._runs.values())).spec
        assert (spec.name, spec.grace_s, spec.restart.policy) == ("mine", 3.0, "always")
        assert dict(spec.environment) == {"BOARD": "two words", "X": "1"}


async def test_a_command_without_a_preset(tmp_path: Path, a: MemoryNode) -> None:
    async with console(tmp_path, a, settings="nodes: [a]\n") as pilot:
        await pilot.press("S")
        await says(pilot, "← → preset")
        choice = pilot.app.screen.query_one(Choice)
        choice.choose(len(choice.words) - 1)  # behind the presets that come with the program
        await pilot.press("tab")
        await says(pilot, "[a command]", "type a command")
        await pilot.press("enter")
        assert states(a) == {}
        await pilot.press(*"sleep 600")
        await says(pilot, "sleep 600", "as sleep on a")
        await pilot.press("enter")
        await until(pilot, lambda: states(a) == {"sleep@a": "running"}, "the worker")


async def test_what_cannot_be_meant_is_named_by_its_field(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    async with console(tmp_path, a, b) as pilot:
        await pilot.press("S")
        for field, text, said in (
            ("#copies", "many", "copies: wanted a number"),
            ("#copies", "²", "copies: wanted a number"),
            ("#restart", "often", "restart: wanted never, on-failure, always"),
            ("#grace", "soon", "grace: wanted a duration"),
            ("#environment", "1X=2", "environment: wanted NAME=value"),
            ("#command", "python 'x", "command: no closing quotation"),
            ("#nodes", "c", "no node named c"),
            ("#name", "a/b", "name"),
        ):
            await type_into(pilot, field, text)
            await says(pilot, said)
            await pilot.press("enter")
            await pilot.pause()
            await type_into(pilot, field, "")
        assert states(a, b) == {}


async def test_what_a_node_has_against_it_is_said_before_and_the_rest_starts(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    async with console(tmp_path, a, b) as pilot:
        await start(pilot.app.runtime, "sleep", "9", name="play", node="b")
        await pilot.press("asterisk", "S")
        await says(pilot, "[play]")
        await type_into(pilot, "#copies", "1")
        text = await says(
            pilot, "b: the name is taken by play", "starts 1 worker on 1 node: a; 1 refused"
        )
        assert "asking the nodes" not in text
        await pilot.press("enter")
        await until(pilot, lambda: states(a) == {"play@a": "running"}, "the one that could")
        await says(pilot, "1 not started", "play@b: the name is taken")
        assert "1 worker started" in toasts(pilot)


async def test_a_lock_of_the_fleet_stands_against_all_of_it(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    async with console(tmp_path, a, b) as pilot:
        await pilot.press("asterisk", "S", "right")
        text = await says(pilot, "[train]", "only one may live in the fleet")
        assert "nothing can be started" in text
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert states(a, b) == {}


async def test_the_palette_starts_a_preset(tmp_path: Path, a: MemoryNode) -> None:
    async with console(tmp_path, a) as pilot:
        await on_workers(pilot)
        await pilot.press("colon", *"start train")
        await says(pilot, "Start train", "python3 train.py")
        await pilot.press("enter")
        await says(pilot, "[train]", "cd runs && python3 train.py")
        await pilot.press("escape")
        assert "Start workers" not in screen_text(pilot)


async def test_each_press_moves_by_one_preset_however_fast_they_come(
    tmp_path: Path, a: MemoryNode
) -> None:
    async with console(tmp_path, a) as pilot:
        for name in ("S", "right", "right", "right"):  # none waits for the one before
            key = events.Key(name, name if len(name) == 1 else None)
            key.set_sender(pilot.app)
            pilot.app._driver.send_message(key)
        await says(pilot, "[reversi-train]")
        choice = pilot.app.screen.query_one(Choice)
        assert choice.place == 3
        for _ in choice.words:
            pilot.app.simulate_key("right")
        await says(pilot, "[reversi-train]")  # once round
