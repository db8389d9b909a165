"""The Node screen on the demo fleet: tabs, processes, signals, disks."""

from __future__ import annotations

from console.ui.modals.disk import DiskModal
from console.ui.modals.process import ProcessModal
from console.ui.modals.signal import SignalModal
from console.ui.widgets.sheet import Sheet
from tests.ui_details.consoles import (
    DemoConsole,
    dialog,
    open_node,
    screen_text,
    sheet_text,
    table,
    until,
)


async def test_tabs_switch_and_the_node_is_asked_in_full_only_while_it_is_open() -> None:
    app = DemoConsole(2, frozen=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_node(pilot, "gpu-1")
        assert "[Overview]" in screen_text(pilot)
        assert "full in 9 h" in screen_text(pilot)
        for title, shown in (
            ("Processes", "COMMAND"),
            ("GPUs", "no Xid"),
            ("Disks & data", "hex8_2p"),
        ):
            await pilot.press("right_square_bracket")
            await until(pilot, lambda s=shown: s in screen_text(pilot), title)
            assert f"[{title}]" in screen_text(pilot)
        await pilot.press("left_square_bracket")
        assert "[GPUs]" in screen_text(pilot)
        await pilot.press("escape")
        node = app.runtime.store.nodes
        await until(
            pilot, lambda: not node["gpu-1"].sample.host.core_percents, "the summary interest again"
        )
        assert app.failures == []


async def test_a_killed_process_vanishes_and_the_command_is_in_the_audit_log() -> None:
    app = DemoConsole(2, frozen=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_node(pilot, "gpu-1", tab=1)
        processes = table(pilot)
        await until(pilot, lambda: processes.current, "the list")
        victim = processes.current
        assert victim is not None
        pid = victim.partition(":")[0]
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, SignalModal), "the dialog")
        said = sheet_text(dialog(pilot).query_one(Sheet))
        assert "kill -KILL to this process on gpu-1" in said
        assert pid in said
        await pilot.press("enter")
        await until(pilot, lambda: victim not in processes.keys, "the process to vanish")
        last = app.runtime.audit.tail(1)[0]
        assert (last.node, last.verb, last.argv[:3]) == (
            "gpu-1",
            "processes.signal",
            ("kill", "-KILL", pid),
        )
        assert last.result == "delivered"


async def test_leaving_the_dialog_sends_nothing() -> None:
    app = DemoConsole(2)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_node(pilot, "gpu-1", tab=1)
        await until(pilot, lambda: table(pilot).current, "the list")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, SignalModal), "the dialog")
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert app.runtime.audit.tail() == []


async def test_kill_of_many_asks_for_their_number() -> None:
    app = DemoConsole(2, frozen=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_node(pilot, "gpu-1", tab=1)
        processes = table(pilot)
        await until(pilot, lambda: processes.current, "the list")
        await pilot.press("space", "space", "X")
        await until(pilot, lambda: isinstance(app.screen, SignalModal), "the dialog")
        marked = set(processes.marked)
        assert len(marked) == 2
        await pilot.press("enter")
        assert isinstance(app.screen, SignalModal)
        await pilot.press("3", "enter")
        assert isinstance(app.screen, SignalModal)
        await pilot.press("backspace", "2", "enter")
        await until(pilot, lambda: not marked & set(processes.keys), "both to vanish")


async def test_another_signal_is_chosen_in_the_dialog() -> None:
    app = DemoConsole(2, frozen=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_node(pilot, "gpu-1", tab=1)
        await until(pilot, lambda: table(pilot).current, "the list")
        victim = table(pilot).current or ""
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, SignalModal), "the dialog")
        await pilot.press("right", "right", "right")
        assert dialog(pilot).signal == "STOP"  # type: ignore[attr-defined]
        await pilot.press("enter")
        stopped = app.runtime.machines["gpu-1"]  # type: ignore[attr-defined]
        await until(
            pilot, lambda: int(victim.partition(":")[0]) in stopped.stopped, "STOP to arrive"
        )


async def test_read_only_offers_no_signal() -> None:
    app = DemoConsole(2, read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_node(pilot, "gpu-1", tab=1)
        await until(pilot, lambda: table(pilot).current, "the list")
        before = table(pilot).keys
        await pilot.press("x", "X")
        await pilot.pause(0.1)
        assert not isinstance(app.screen, SignalModal)
        assert "terminate" not in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ProcessModal), "the details")
        await pilot.press("X", "escape")
        await pilot.pause(0.1)
        assert table(pilot).keys == before


async def test_filter_owner_tree_and_sort_change_what_is_listed() -> None:
    app = DemoConsole(2)
    async with app.run_test(size=(140, 40)) as pilot:
        await open_node(pilot, "gpu-1", tab=1)
        processes = table(pilot)
        await until(pilot, lambda: processes.current, "the list")
        whole = len(processes.keys)
        await pilot.press("slash", *"user:root", "enter")
        await until(pilot, lambda: 0 < len(processes.keys) < whole, "the filter")
        assert "mara" not in screen_text(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: len(processes.keys) == whole, "the filter taken back")
        processes.focus()
        await pilot.press("t")
        await pilot.pause()
        assert "├─" in screen_text(pilot)
        assert processes.keys[0].startswith("1:")
        await pilot.press("t", "u")
        await pilot.pause()
        assert len(processes.keys) < whole
        assert "owner" in screen_text(pilot)


async def test_hostile_names_are_shown_and_do_nothing() -> None:
    app = DemoConsole()
    async with app.run_test(size=(160, 48)) as pilot:
        await open_node(pilot, "vast-7", tab=1)
        await until(pilot, lambda: table(pilot).current, "the list")
        text = screen_text(pilot)
        assert "[/x] [bold red]not markup[/] [@click=app.quit]press me[/]" in text
        assert "␛[31m␛[2Jclears the screen␛]52;c;" in text
        assert "<U+202E>txt.exe" in text
        assert not any(ord(c) < 32 for c in text.replace("\n", ""))
        hostile = next(k for k in table(pilot).keys if k.startswith("66600:"))
        table(pilot).select(hostile)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ProcessModal), "the details")
        assert "[bold red]not markup[/]" in screen_text(pilot)
        assert app.failures == []


async def test_what_fills_a_disk_is_asked_and_shown() -> None:
    app = DemoConsole(4)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_node(pilot, "gpu-3", tab=3)
        assert table(pilot, "#disks").current == "/data"
        assert "last line torn" in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DiskModal), "the dialog")
        await until(pilot, lambda: "selfplay/hex8_2p" in screen_text(pilot), "the explanation")
        assert "deleted files that a process still holds open" in screen_text(pilot)


async def test_a_tab_that_fails_does_not_end_the_console(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("console.ui.node.sheet_tabs.gpu_panels", broken)
    app = DemoConsole(2)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_node(pilot, "gpu-1", tab=2)
        await until(pilot, lambda: app.failures, "the failure to be recorded")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "LAST HOUR" in screen_text(pilot), "the next tab")


async def test_nodes_without_figures_say_why() -> None:
    app = DemoConsole(11)
    async with app.run_test(size=(120, 40)) as pilot:
        await open_node(pilot, "lambda-4")
        assert "no python3" in screen_text(pilot)
        assert "apt-get install python3" in screen_text(pilot)
        await pilot.press("escape")
        app.open_node("gpu-6")
        await until(
            pilot, lambda: "GPU driver not answering" in screen_text(pilot), "the hung driver"
        )
