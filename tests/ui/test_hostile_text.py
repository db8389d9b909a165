"""Whatever a node calls itself and says: it is shown as text, and nothing else happens."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rich.cells import cell_len

import console.ui
from console.fleet.store import FleetStore
from tests.ui.corpus import CORPUS
from tests.ui.fleets import fed, node_lost, node_up
from tests.ui.screens import opened, settled, shows, text

SOURCES = sorted(Path(console.ui.__file__).parent.rglob("*.py"))


def hostile_store() -> FleetStore:
    """Hostile everywhere, and not sanitised on its way in: the screen must stand on its own as well."""
    events = [*node_up("other"), *node_up("last", tags=("plain",))]
    for kind, word in CORPUS.items():
        tags = (word,) if word else ()
        events += node_up(f"{word[:60]}{kind}", tags=tags, word=word)
        events += node_lost(f"lost {word[:60]}{kind}", word)
    return fed(events)


def only_text(seen: str, width: int) -> None:
    for line in seen.split("\n")[:-1]:
        assert line.replace("\u200d", "").isprintable(), ascii(line)
        assert cell_len(line) <= width


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_the_fleet_screen_shows_it_as_text(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(hostile_store(), tmp_path, size) as pilot:
        for keys in ((), ("t",), ("v",), ("pagedown",), ("G",), ("t",), ("g",), ("space",), ("y",)):
            await pilot.press(*keys)
            await settled(pilot)
            only_text(text(pilot), size[0])
        for _ in range(6):
            await pilot.press("j", "z")
            await settled(pilot)
            only_text(text(pilot), size[0])
            await pilot.press("z")
        assert pilot.app.is_running


async def test_the_palette_the_filter_and_toasts_show_it_as_text(tmp_path: Path) -> None:
    async with opened(hostile_store(), tmp_path) as pilot:
        for word in CORPUS.values():
            pilot.app.say(word)  # type: ignore[attr-defined]
        await pilot.press("colon", *"open pwned")
        await shows(pilot, "Open ")
        only_text(text(pilot), 120)
        await pilot.press("escape", "slash")
        pilot.app.screen.apply_filter('"[@click=app.quit]"')  # type: ignore[attr-defined]
        await pilot.press("escape")
        await settled(pilot)
        only_text(text(pilot), 120)
        assert pilot.app.is_running


async def test_a_saved_view_is_text_that_only_its_owner_can_read(tmp_path: Path) -> None:
    async with opened(hostile_store(), tmp_path) as pilot:
        await pilot.press("ctrl+s")
        await settled(pilot)
    saved = sorted((tmp_path / "views").iterdir())
    assert {path.suffix for path in saved} == {".txt", ".svg"}
    for path in saved:
        assert path.stat().st_mode & 0o777 == 0o600
        content = path.read_text("utf-8")
        assert "\x1b" not in content
        assert "\x9b" not in content


# ------------------------------------------------------------ the rule, by reading the sources


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _no_markup(call: ast.Call) -> bool:
    return any(
        word.arg == "markup" and isinstance(word.value, ast.Constant) and word.value.value is False
        for word in call.keywords
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_data_is_parsed_as_markup(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for call in _calls(tree):
        name, where = _called(call), f"{path.name}:{call.lineno}"
        assert name not in ("from_markup", "from_ansi"), where
        assert not any(
            word.arg == "markup" and getattr(word.value, "value", None) is True
            for word in call.keywords
        ), where
        if name == "notify" and call.args:
            assert _no_markup(call), f"{where}: notify needs markup=False"
        if name in ("Static", "Label", "Button", "Option", "Checkbox", "OptionList") and call.args:
            plain = isinstance(call.args[0], ast.Constant) or (
                isinstance(call.args[0], ast.Call)
                and _called(call.args[0]) in ("Content", "styled", "assemble")
            )
            assert plain or _no_markup(call), f"{where}: give {name} a Content"
        if name == "update" and call.args:
            assert not isinstance(call.args[0], (ast.JoinedStr, ast.BinOp)), (
                f"{where}: give update a Content"
            )
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr in (
                    "border_title",
                    "border_subtitle",
                ):
                    assert isinstance(node.value, ast.Call), (
                        f"{path.name}:{node.lineno}: give it a Content"
                    )
