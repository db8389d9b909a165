"""The keys: each does what help says, and what is not built or not allowed has no key at all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from console.fleet.events import SampleArrived
from console.ui.keys import keymap
from console.ui.keys_text import key_text
from tests.ui.fleets import StandIn, demo_store, fed, node_up, sample
from tests.ui.screens import opened, settled, shows, text

UNBUILT = ("6",)


async def test_keys_of_what_is_not_built_do_nothing_and_are_not_in_help(tmp_path: Path) -> None:
    async with opened(demo_store(3), tmp_path, (100, 60)) as pilot:
        before = text(pilot)
        await pilot.press(*UNBUILT)
        await settled(pilot)
        assert text(pilot) == before
        bound = set(pilot.app.screen.active_bindings)
        assert not bound & set(UNBUILT)


async def test_help_lists_every_key_of_the_screen_with_what_it_does(tmp_path: Path) -> None:
    async with opened(demo_store(3), tmp_path, (100, 90)) as pilot:
        await pilot.press("question_mark")
        seen = await shows(pilot, "Keys: Fleet")
        for words in ("panes or table", "one node as large as the screen", "OSC 52", "says how to quit",
                      "mark the node", "gpu>90", "attention"):  # fmt: skip
            assert words in seen
        await pilot.press("q")
        await shows(pilot, lambda now: "Keys: Fleet" not in now)


async def test_ctrl_c_says_how_to_quit_and_ctrl_q_quits(tmp_path: Path) -> None:
    async with opened(demo_store(3), tmp_path) as pilot:
        await pilot.press("ctrl+c")
        await shows(pilot, "Ctrl-Q quits")
        assert pilot.app.is_running
        await pilot.press("question_mark", "ctrl+q")
        assert pilot.app.return_value == 0


async def test_q_leaves_the_help_first_and_the_console_second(tmp_path: Path) -> None:
    async with opened(demo_store(3), tmp_path) as pilot:
        await pilot.press("question_mark", "q")
        assert pilot.app.is_running
        await pilot.press("q")
        assert pilot.app.return_value == 0


async def test_every_key_can_be_bound_anew_in_the_settings(tmp_path: Path) -> None:
    runtime = StandIn(demo_store(3))
    keys = {"switch": ("f7",), "help": ("f1", "?")}
    runtime.settings = SimpleNamespace(ui=SimpleNamespace(keys=keys, theme="nord", ascii=False))
    async with opened(runtime.store, tmp_path, (240, 40), runtime=runtime) as pilot:
        assert pilot.app.theme == "nord"
        assert "F7 panes/table" in text(pilot)
        await pilot.press("v")
        await settled(pilot)
        assert "RECORDS" not in text(pilot)
        await pilot.press("f7")
        await shows(pilot, "RECORDS")
        for one in ("f1", "question_mark"):
            await pilot.press(one)
            await shows(pilot, "Keys: Fleet")
            await pilot.press("escape")


def test_keys_may_be_written_as_people_write_them() -> None:
    assert keymap({"help": "?", "quit": ["Ctrl-Q", "f10"]}) == {
        "help": "question_mark",
        "quit": "ctrl+q,f10",
    }
    assert [key_text(key) for key in ("question_mark", "ctrl+r", "T", "slash", "space")] == [
        "?", "Ctrl-R", "T", "/", "Space",
    ]  # fmt: skip


async def test_read_only_has_no_key_that_changes_anything(tmp_path: Path) -> None:
    runtime = StandIn(demo_store(24), read_only=True)
    async with opened(runtime.store, tmp_path, (120, 70), runtime) as pilot:
        assert "READ-ONLY" in text(pilot)
        assert "shell" not in text(pilot).splitlines()[-1]
        for binding in pilot.app.screen.active_bindings.values():
            assert (
                binding.binding.action not in ("shell", "trust", "acknowledge")
                or not binding.enabled
            )
        await pilot.press("asterisk", "a")
        await settled(pilot)
        assert not any(alert.acknowledged for alert in runtime.store.alerts)
        await pilot.press("question_mark")
        assert "a shell on the node" not in await shows(pilot, "Keys: Fleet")


async def test_acknowledging_takes_the_alerts_of_the_marked_nodes(tmp_path: Path) -> None:
    runtime = StandIn(demo_store(24))
    async with opened(runtime.store, tmp_path, (120, 40)) as pilot:
        await pilot.press("asterisk", "a")
        await shows(pilot, "acknowledged")
        assert all(alert.acknowledged for alert in runtime.store.alerts)


async def test_pause_holds_the_picture_and_lets_the_facts_go_on(tmp_path: Path) -> None:
    store = fed(node_up("one"))
    async with opened(store, tmp_path) as pilot:
        await pilot.press("p")
        await shows(pilot, "PAUSED")
        store.apply(SampleArrived("one", 101.0, sample(cpu=88.0)))
        await settled(pilot)
        assert "88 %" not in text(pilot)
        await pilot.press("p")
        await shows(pilot, "88 %")


async def test_copy_puts_the_marked_names_on_the_clipboard(tmp_path: Path) -> None:
    async with opened(demo_store(24), tmp_path) as pilot:
        await pilot.press("space", "space", "y")
        assert pilot.app.clipboard == "home\ngpu-1"


async def test_plus_and_minus_change_the_interval(tmp_path: Path) -> None:
    runtime = StandIn(demo_store(3))
    async with opened(runtime.store, tmp_path, runtime=runtime) as pilot:
        await pilot.press("minus", "minus")
        assert runtime.interval == 5.0
        await pilot.press("plus")
        assert runtime.interval == 2.0


async def test_the_palette_runs_any_action_by_its_name(tmp_path: Path) -> None:
    async with opened(demo_store(3), tmp_path) as pilot:
        await pilot.press("colon", *"panes or")
        await shows(pilot, "Panes or table")
        await pilot.press("enter")
        await shows(pilot, "RECORDS")
        await pilot.press("ctrl+p", *"theme high")
        await shows(pilot, "Theme high-contrast")
        await pilot.press("enter")
        await settled(pilot)
        assert pilot.app.theme == "high-contrast"


async def test_a_click_in_the_footer_presses_the_key(tmp_path: Path) -> None:
    async with opened(demo_store(3), tmp_path, (200, 40)) as pilot:
        footer = text(pilot).splitlines()[-1]
        await pilot.click("KeyFooter", offset=(footer.index("panes/table"), 0))
        await shows(pilot, "RECORDS")


async def test_every_theme_paints_every_state(tmp_path: Path) -> None:
    for theme in (
        "quarterdeck",
        "quarterdeck-light",
        "high-contrast",
        "colour-blind",
        "ansi-dark",
    ):
        async with opened(demo_store(24), tmp_path, (200, 60), theme=theme) as pilot:
            assert pilot.app.theme == theme
            seen = text(pilot)
            for sign in ("● home", "◐ vast-6", "▲ 4 workers"):
                assert sign in seen
