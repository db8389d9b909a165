"""Stop, kill, restart, drain and forget from the screen: what the dialogs say, and what then happens there."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.operations.workers import Target
from console.ui.modals.act import ActModal
from console.ui.modals.forget import ForgetModal
from tests.backends.memory_agent import MemoryNode
from tests.ui_details.consoles import DemoConsole, screen_text, settled, until
from tests.ui_workers.worlds import (
    acts,
    console,
    on_workers,
    says,
    start,
    states,
    toasts,
    two_nodes,
)
from workers.protocol import CommandWorker, WorkerSpec


@pytest.fixture
def a() -> MemoryNode:
    return two_nodes()[0]


@pytest.fixture
def b() -> MemoryNode:
    return two_nodes()[1]


async def test_a_stop_shows_its_command_and_is_done_only_after_enter(
    tmp_path: Path, a: MemoryNode
) -> None:
    async with console(tmp_path, a) as pilot:
        await start(pilot.app.runtime, "python3", "train.py", "--lr", "1 e-3")
        await on_workers(pilot)
        await pilot.press("x")
        text = await says(pilot, "Stop w@a", "python3 train.py --lr '1 e-3'", "SIGTERM", "SIGKILL")
        assert "after 10 s" in text
        assert "on 1 node: a" in text
        await pilot.press("escape")
        await pilot.pause()
        assert states(a) == {"w@a": "running"}
        await pilot.press("x", "enter")
        await until(pilot, lambda: states(a) == {"w@a": "stopped"}, "the stop")
        await until(pilot, lambda: not isinstance(pilot.app.screen, ActModal), "the dialog's end")
        assert "nothing of it is left" in toasts(pilot)


async def test_force_on_more_than_one_asks_for_their_number(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    async with console(tmp_path, a, b) as pilot:
        for name, node in (("w-1", "a"), ("w-2", "a"), ("w-3", "b"), ("other", "b")):
            await start(pilot.app.runtime, name=name, node=node)
        listed = await on_workers(pilot)
        listed.apply_filter("worker:w-")
        await pilot.press("asterisk", "X")
        await says(pilot, "Kill 3 workers", "w-1@a", "w-2@a", "w-3@b", "on 2 nodes: a, b", "type 3")
        await pilot.press("enter")
        await pilot.press("2", "enter")
        await pilot.pause(0.1)
        assert acts(a) == acts(b) == []
        await pilot.press("backspace", "3", "enter")
        await until(pilot, lambda: "running" not in {states(a, b)[w] for w in ("w-1@a", "w-2@a", "w-3@b")}, "the kill")  # fmt: skip
        assert states(b)["other@b"] == "running"
        await until(pilot, lambda: "3 workers: killed" in toasts(pilot), "the word of it")


async def test_what_does_not_obey_is_named_and_killed_by_one_key(
    tmp_path: Path, a: MemoryNode
) -> None:
    async with console(tmp_path, a) as pilot:
        for name in ("w-1", "w-2"):
            await start(pilot.app.runtime, "stubborn", name=name)
        await on_workers(pilot)
        await pilot.press("asterisk", "x", "enter")
        await says(pilot, "stopping", "X kills what is left")
        await pilot.press("X")
        await says(pilot, "type 2: kills them all")
        await pilot.press("2", "enter")
        await until(pilot, lambda: set(states(a).values()) == {"stopped"}, "the kill")
        assert acts(a) == ["stop", "stop", "kill", "kill"]


async def test_leaving_the_dialog_takes_nothing_back(
    tmp_path: Path, a: MemoryNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.operations.rolling.SETTLED_S", 0.0)
    async with console(tmp_path, a) as pilot:
        for name in ("w-1", "w-2", "w-3"):
            await start(pilot.app.runtime, name=name)
        await on_workers(pilot)
        await pilot.press("asterisk", "r", "tab")
        await says(pilot, "1 at a time", "none after a failure")
        await pilot.press("enter", "escape")
        attempts = lambda: {r.attempt for r in a.backend.report.workers}  # noqa: E731
        await until(pilot, lambda: attempts() == {2}, "all three to run again")
        await until(pilot, lambda: "3 done" in toasts(pilot), "the word of it")


async def test_what_cannot_drain_is_offered_a_stop(tmp_path: Path, a: MemoryNode) -> None:
    async with console(tmp_path, a) as pilot:
        await start(pilot.app.runtime, name="able", drain=True)
        await start(pilot.app.runtime, name="plain")
        listed = await on_workers(pilot)
        listed.apply_filter("worker:plain")
        await pilot.press("D")
        await says(pilot, "It does not know how to drain", "x stops instead")
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert acts(a) == []
        await pilot.press("escape")
        listed.apply_filter("")
        await pilot.press("asterisk", "D")
        await says(pilot, "1 of them do not know how to drain")
        await pilot.press("x", "enter")
        await until(pilot, lambda: sorted(acts(a)) == ["drain", "stop"], "both")
        wanted = {r.name: r.desired for r in a.backend.report.workers}
        assert wanted == {"able": "drained", "plain": "stopped"}


async def test_a_countdown_names_the_processes_that_are_alive() -> None:
    app = DemoConsole(3, frozen=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        listed = await on_workers(pilot)
        await until(pilot, lambda: listed.table.keys, "the workers")
        listed.apply_filter("worker:train node:gpu-1")
        await pilot.press("x")
        pid = listed.current.record.pid
        await says(pilot, f"{pid} torchrun", f"{pid + 1} torchrun")
        await pilot.press("enter")
        await says(pilot, "alive, killed in", f"{pid + 1} torchrun", "X kills what is left")
        await until(pilot, lambda: not isinstance(app.screen, ActModal), "its end")


async def test_a_refusal_is_said_on_its_row_and_the_dialog_stays(
    tmp_path: Path, a: MemoryNode
) -> None:
    async with console(tmp_path, a) as pilot:
        await start(pilot.app.runtime)
        await on_workers(pilot)
        await pilot.press("x")
        await says(pilot, "Stop w@a")
        a.lose = lambda _: True  # each reply is lost with its link
        a.refuse_links = True
        await a.cut()
        await until(pilot, lambda: pilot.app.runtime.store.nodes["a"].lost, "the lost link")
        await pilot.press("enter")
        await says(pilot, "not connected", "nothing was sent")
        assert isinstance(pilot.app.screen, ActModal)
        assert states(a) == {"w@a": "running"}


async def test_somebody_elses_wish_is_not_run_over(tmp_path: Path, a: MemoryNode) -> None:
    async with console(tmp_path, a) as pilot:
        await start(pilot.app.runtime, "stubborn")
        await on_workers(pilot)
        view = pilot.app.screen.list.current
        done = await pilot.app.runtime.workers.act([Target.of(view.node, view.record)], "restart")
        assert done[0].done
        modal = ActModal([view], "kill")
        modal._now = lambda: [view]  # type: ignore[method-assign]
        await a.backend.command(CommandWorker(view.record.run_id, "restart", "somebody@else"))
        pilot.app.push_screen(modal)
        await pilot.pause()
        await pilot.press("enter")
        await says(pilot, "wanted it", "since")


async def test_an_ended_run_is_started_again_or_forgotten_by_a_key(
    tmp_path: Path, a: MemoryNode
) -> None:
    async with console(tmp_path, a) as pilot:
        await start(pilot.app.runtime, "say", "hello", "3", name="done")
        await start(pilot.app.runtime, name="lives")
        await on_workers(pilot)
        await pilot.press("asterisk", "F")
        text = await says(pilot, "Forget done", "done@a", "exit 3", "logs is removed")
        assert "lives@a" not in text
        assert isinstance(pilot.app.screen, ForgetModal)
        await pilot.press("enter")
        await until(pilot, lambda: states(a) == {"lives@a": "running"}, "the run to be gone")
        assert "1 run forgotten" in toasts(pilot)


async def test_on_the_fleet_screen_the_workers_of_the_marked_nodes_are_meant(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    async with console(tmp_path, a, b) as pilot:
        await start(pilot.app.runtime, name="one", node="a")
        await start(pilot.app.runtime, name="two", node="b")
        await pilot.press("x")
        await says(pilot, "Stop one@a")
        await pilot.press("escape", "asterisk", "x")
        await says(pilot, "Stop 2 workers", "on 2 nodes: a, b")
        await pilot.press("enter")
        await until(pilot, lambda: set(states(a, b).values()) == {"stopped"}, "both stopped")


async def test_a_nodes_workers_tab_has_the_same_keys(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    async with console(tmp_path, a, b) as pilot:
        for name in ("w-1", "w-2"):
            await start(pilot.app.runtime, name=name)
        await start(pilot.app.runtime, name="elsewhere", node="b")
        pilot.app.open_node("a")
        await pilot.press(*["right_square_bracket"] * 4)
        text = await says(pilot, "2 workers, 2 alive", "x stop")
        assert "elsewhere" not in text
        await pilot.press("space", "space")
        await says(pilot, "2 marked")
        await pilot.press("x")
        await says(pilot, "Stop 2 workers")
        await pilot.press("escape", "escape")
        assert "marked" not in screen_text(pilot)
        await pilot.press("x", "enter")
        await until(pilot, lambda: list(states(a).values()).count("stopped") == 1, "one stopped")


async def test_read_only_has_none_of_the_keys_that_change_something(
    tmp_path: Path, a: MemoryNode
) -> None:
    await a.backend.start(WorkerSpec("1" * 32, "w", ("sleep", "9"), drain=True))
    async with console(tmp_path, a, read_only=True) as pilot:
        await on_workers(pilot)
        await says(pilot, "READ-ONLY", "1 worker, 1 alive")
        for key in ("S", "x", "X", "r", "R", "D", "F", "exclamation_mark"):
            await pilot.press(key)
            await pilot.pause()
            assert len(pilot.app.screen_stack) == 2, key
        text = screen_text(pilot)
        assert "S start" not in text
        assert "x stop" not in text
        await pilot.press("enter")
        text = await says(pilot, "w on a", "l logs")
        assert "stop, kill" not in text
        await pilot.press("x", "X", "r", "R", "D", "F")
        await pilot.pause()
        assert len(pilot.app.screen_stack) == 3
        assert states(a) == {"w@a": "running"}
