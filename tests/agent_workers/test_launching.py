"""Which way a pair is launched, and what is said where none can be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agent_workers.node import refused, sleeper
from workers.agent.workers import room
from workers.agent.workers.cradle import FORK, UNIT, Cradle
from workers.agent.workers.launching import Launching
from workers.agent.workers.login_environment import LoginEnvironment
from workers.protocol import StartWorker
from workers.supervisor import launch
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

Ways = list[tuple[str, bool]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Runs(str(tmp_path / "node")).create(sleeper("one"))


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> tuple[Ways, set[bool]]:
    """How each pair was launched (in a unit or not), and the ways that fail."""
    went: Ways = []
    broken: set[bool] = set()

    class Stub:
        def __init__(self, environment: dict[str, str], source: str, in_units: bool) -> None:
            self.in_units = in_units

        def launch(self, folder: str) -> None:
            went.append((Path(folder).name, self.in_units))
            if self.in_units in broken:
                raise OSError(0, "no answer")

        def close(self) -> None: ...

    monkeypatch.setattr(launch, "Launcher", Stub)
    return went, broken


def launching(cradle: Cradle) -> Launching:
    choose: Callable[[], Cradle] = lambda: cradle  # noqa: E731
    return Launching("/source", LoginEnvironment(), choose)


def test_a_lingering_user_gets_a_unit_and_everybody_else_a_fork(
    run: Run, ways: tuple[Ways, set[bool]]
) -> None:
    assert launching(Cradle(UNIT)).launch(run) == ()
    assert launching(Cradle(FORK)).launch(run) == ()
    assert [in_unit for _, in_unit in ways[0]] == [True, False]


def test_a_unit_that_fails_is_a_fork_where_that_outlives_the_login(
    run: Run, ways: tuple[Ways, set[bool]]
) -> None:
    ways[1].add(True)
    assert launching(Cradle(UNIT)).launch(run) == ()
    assert [in_unit for _, in_unit in ways[0]] == [True, False]


def test_a_unit_that_fails_is_told_where_a_fork_would_die_at_logout(
    run: Run, ways: tuple[Ways, set[bool]]
) -> None:
    ways[1].add(True)
    [note] = launching(Cradle(UNIT, needed=True)).launch(run)
    assert "no answer" in note
    assert "tried again" in note
    assert [in_unit for _, in_unit in ways[0]] == [True]


def test_what_would_die_at_logout_is_not_even_launched(
    run: Run, ways: tuple[Ways, set[bool]]
) -> None:
    [note] = launching(Cradle(refusal="run `loginctl enable-linger ada` there")).launch(run)
    assert "enable-linger" in note
    assert ways[0] == []


def test_a_start_there_is_refused_with_the_command_that_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sampler:
        gpu_report: Any = None

    kept = room.WorkerRoom(str(tmp_path / "node"), Sampler(), lambda: None)
    monkeypatch.setattr(kept, "cradle", lambda: Cradle(refusal="run `loginctl enable-linger ada`"))
    reply = kept.answer(StartWorker(sleeper()))
    assert "enable-linger ada" in refused(reply, "refused")
    assert not (tmp_path / "node" / "runs").exists()
