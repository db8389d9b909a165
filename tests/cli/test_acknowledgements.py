"""What a person has seen is known to every console, until it ends or is long forgotten."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from console.fleet.model import ProblemKind
from console.operations.acknowledgements import FORGET_AFTER_S, Acknowledgements
from tests.fleet.world import World


class Wall:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def down(world: World, name: str) -> None:
    world.lose(name, ProblemKind.REFUSED, "refused")
    world.run(20)


def test_it_goes_from_one_console_to_another_and_ends_with_the_alert(tmp_path: Path) -> None:
    file = Acknowledgements(tmp_path / "state" / "acknowledged.json", Wall())
    here, there = World("a"), World("a")
    down(here, "a")
    down(there, "a")
    here.store.acknowledge("a:node_down:", here.at)
    seen = file.exchange(here.store, frozenset())
    file.exchange(there.store, frozenset())
    assert [alert.acknowledged for alert in there.store.alerts] == [True]
    here.up("a")
    here.run(2)
    file.exchange(here.store, seen)
    assert file.read() == {}
    down(here, "a")
    assert [alert.acknowledged for alert in here.store.alerts] == [False]


def test_what_the_command_line_acknowledged_is_forgotten_after_a_day(tmp_path: Path) -> None:
    wall = Wall()
    file = Acknowledgements(tmp_path / "acknowledged.json", wall)
    file.add(["a:node_down:"])
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    wall.now += FORGET_AFTER_S + 1
    assert file.read() == {}


@pytest.mark.parametrize(
    "text", ["", "[", "[]", '{"acknowledged": 3}', '{"acknowledged": {"a": "x"}}', "\0"]
)
def test_a_damaged_file_is_no_harm(tmp_path: Path, text: str) -> None:
    file = Acknowledgements(tmp_path / "acknowledged.json", Wall())
    file.path.write_text(text)
    assert file.read() == {}
    file.add(["a:memory:"])
    assert set(file.read()) == {"a:memory:"}
