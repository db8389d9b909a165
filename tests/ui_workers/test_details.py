"""All about one worker; orphans; and commands on nodes, with what each said."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.ui.modals.orphans import OrphansModal
from tests.backends.memory_agent import MemoryNode
from tests.runtimes import until as eventually
from tests.ui_details.consoles import DemoConsole, screen_text, settled, until
from tests.ui_workers.worlds import console, on_workers, says, start, states, toasts, two_nodes
from workers.protocol import AdoptProcess, ClearOrphan, Orphan


@pytest.fixture
def a() -> MemoryNode:
    return two_nodes()[0]


@pytest.fixture
def b() -> MemoryNode:
    return two_nodes()[1]


async def test_a_worker_is_shown_with_curves_processes_and_history() -> None:
    app = DemoConsole(3)
    async with app.run_test(size=(140, 60)) as pilot:
        await settled(pilot)
        listed = await on_workers(pilot)
        await until(pilot, lambda: listed.table.keys, "the workers")
        listed.apply_filter("worker:train node:gpu-1")
        await pilot.press("enter")
        pid = listed.current.record.pid
        text = await says(
            pilot, "train on gpu-1", "What happened", "loss/policy", f"{pid} torchrun"
        )
        for said in ("command", "torchrun --nproc-per-node=1", "wanted", "running, asked by mara@home",
                     "attempt 1, 0 restarts", "SIGTERM, killed after", "5/100 epoch", "5.0 %",
                     "per minute", "memory", "attempt 1 runs as process"):  # fmt: skip
            assert said in text, said
        drawn = next(line for line in text.splitlines() if "loss/policy" in line)
        assert any("\u2800" < sign <= "\u28ff" for sign in drawn), "a curve"


async def test_its_keys_act_and_it_goes_when_the_run_is_forgotten(
    tmp_path: Path, a: MemoryNode
) -> None:
    async with console(tmp_path, a) as pilot:
        await start(pilot.app.runtime)
        await on_workers(pilot)
        await pilot.press("enter")
        await says(pilot, "w on a", "x X stop, kill", "/memory/")
        await pilot.press("F")
        await says(pilot, "it lives: a run is forgotten when it is over")
        await pilot.press("x", "enter")
        await says(pilot, "w on a", "r start again", "F forget")
        await pilot.press("F")
        await says(pilot, "Forget w", "stopped")
        await pilot.press("enter")
        await until(pilot, lambda: states(a) == {}, "the run to be gone")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2, "the dialog to go")


async def test_l_opens_its_log(tmp_path: Path, a: MemoryNode) -> None:
    async with console(tmp_path, a) as pilot:
        await start(pilot.app.runtime, "say", "hello from it", "0")
        await on_workers(pilot)
        await pilot.press("enter")
        await says(pilot, "w on a")
        await pilot.press("l")
        await says(pilot, "hello from it")
        assert type(pilot.app.screen).__name__ == "LogsScreen"


# ------------------------------------------------------------ orphans


PROCESS = Orphan("1", "unrecorded", "it carries a token, but no record of it is left",
                 ("adopt", "stop", "kill"), 61_440, 99, "jun", "python train.py")  # fmt: skip
LOCK = Orphan("2", "stale_lock", "the process that wrote it has ended", ("clear",), path="run.lock")


async def test_orphans_are_shown_with_why_and_nothing_is_done_by_itself(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    a.backend.orphaned, b.backend.orphaned = [PROCESS], [LOCK]
    async with console(tmp_path, a, b) as pilot:
        await pilot.press("o")
        text = await says(pilot, "Orphans on a", "61440", "python train.py", PROCESS.why)
        assert "run.lock" not in text
        assert "c clear" not in text
        await pilot.press("tab")
        await says(pilot, "Orphans on 2 nodes", "stale lock", "run.lock")
        await pilot.press("c")
        await says(pilot, "clear: not for this")
        await pilot.press("x")
        await says(pilot, "Stop an orphan", "stop 61440 python train.py")
        await pilot.press("escape")
        changed = [m for n in (a, b) for m in n.asked if isinstance(m, (AdoptProcess, ClearOrphan))]
        assert changed == []


async def test_orphans_are_adopted_stopped_and_cleared_by_a_key(
    tmp_path: Path, a: MemoryNode
) -> None:
    other = PROCESS._replace(orphan_id="3", pid=5, command="sleep 9")
    a.backend.orphaned = [PROCESS, LOCK, other]
    async with console(tmp_path, a) as pilot:
        await pilot.press("o")
        await says(pilot, "61440")
        await pilot.press("a")
        await until(pilot, lambda: states(a) == {"adopted-61440@a": "running"}, "the adoption")
        await until(pilot, lambda: "61440 on a is watched from now on" in toasts(pilot), "the word")
        await until(pilot, lambda: "python train.py" not in screen_text(pilot), "the new list")
        await says(pilot, "c clear")
        await pilot.press("c")
        await until(pilot, lambda: "run.lock" not in screen_text(pilot), "the lock to go")
        await says(pilot, "sleep 9", "X kill")
        await pilot.press("X", "enter")
        await says(pilot, "nothing is orphaned here")


async def test_a_node_that_cannot_be_asked_is_named(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    a.backend.orphaned = [LOCK]
    async with console(tmp_path, a, b) as pilot:
        b.refuse_links = True
        await b.cut()
        await eventually(lambda: pilot.app.runtime.store.nodes["b"].lost)
        await pilot.press("asterisk", "o")
        await says(pilot, "run.lock", "not looked at: b: b is not connected")


async def test_orphans_can_be_looked_at_read_only(tmp_path: Path, a: MemoryNode) -> None:
    a.backend.orphaned = [LOCK]
    async with console(tmp_path, a, read_only=True) as pilot:
        await pilot.press("o")
        text = await says(pilot, "run.lock", "Ctrl-R again")
        assert "c clear" not in text.splitlines()[-4:]
        await pilot.press("c")
        await pilot.pause(0.1)
        assert a.backend.orphaned == [LOCK]
        assert isinstance(pilot.app.screen, OrphansModal)


# ------------------------------------------------------------ commands


async def test_a_command_runs_on_the_marked_nodes_and_each_says_how_it_ended(
    tmp_path: Path, a: MemoryNode, b: MemoryNode
) -> None:
    async with console(tmp_path, a, b) as pilot:
        await pilot.press("asterisk", "exclamation_mark")
        await says(pilot, "Run a command on 2 nodes", "on a, b")
        await pilot.press(*"say 'it is so' 3", "enter")
        text = await says(
            pilot, "a: exit 3", "b: exit 3", "it is so", "0 of 2 exited 0, 2 not well"
        )
        assert "say 'it is so' 3" in text
        await says(pilot, "Enter runs another")
        await pilot.press(*"say fine 0", "enter")
        await says(pilot, "a: exited 0", "b: exited 0", "2 of 2 exited 0")
        await until(pilot, lambda: states(a, b) == {}, "the collected runs to be forgotten")


async def test_a_command_that_goes_on_is_stopped_by_a_key_and_outlives_the_dialog(
    tmp_path: Path, a: MemoryNode
) -> None:
    async with console(tmp_path, a) as pilot:
        await pilot.press("exclamation_mark", *"sleep 600", "enter")
        await says(pilot, "a: running", "Ctrl-X stops it")
        await pilot.press("escape")
        await pilot.pause()
        assert list(states(a).values()) == ["running"]
        await pilot.press("exclamation_mark", *"sleep 60", "enter")
        await says(pilot, "a: running")
        await pilot.press("ctrl+x")
        await says(pilot, "a: stopped")
        assert list(states(a).values()) == ["running"]


async def test_a_command_line_that_is_none_is_said(tmp_path: Path, a: MemoryNode) -> None:
    async with console(tmp_path, a) as pilot:
        await pilot.press("exclamation_mark", *"say 'x", "enter")
        await says(pilot, "not understood")
        assert states(a) == {}
