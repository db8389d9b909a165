"""Whatever a worker, its log or a node says: list and dialogs show it as text, and nothing else happens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from console.errors import UsageError
from console.fleet.events import WorkersArrived
from console.fleet.store import FleetStore
from console.operations.outcomes import Outcome, Target, Verdict
from tests.ui.corpus import CORPUS
from tests.ui.fleets import CLOCK, StandIn, fed, node_up
from tests.ui.screens import opened, settled, text
from tests.ui.test_hostile_text import only_text
from workers.protocol import (
    MetricSeries,
    Orphan,
    OrphanReport,
    Progress,
    Variable,
    WorkerDetails,
    WorkerEvent,
    WorkerRecord,
    WorkerReport,
    WorkerSpec,
)

HUGE = 1e308
WORDS = {**CORPUS, "64 KiB": "\x1b]52;c;cHduZWQ=\x07[/x]\u202e界" * 4_000}


def record(number: int, word: str) -> WorkerRecord:
    """Hostile wherever a record holds a string, and with figures nobody has."""
    states = ("running", "exited", "lost", "stopping", "backoff", "stopped")
    state = states[number % len(states)]
    return WorkerRecord(
        f"{word[:40]}{number}", word, state, desired=("running", word)[number % 2], flags=(word, "adopted"),
        lost_reason=word, preset=word, kind=word, command=(word, word), pid=number, exit_code=number % 3,
        signal=(None, 9, 250)[number % 3], error=(None, word)[number % 2], started_at=HUGE, ended_at=HUGE,
        running_s=HUGE, last_seen_at=HUGE, restart_in_s=HUGE, stopping_s=1.0, by=word, restarts=10**9,
        kill_pending=((word, word), ())[number % 2], singleton=word, drain=bool(number % 2),
        gpu_indices=(-1, 3, 10**9), cpu_percent=HUGE, memory_bytes=2**62, processes=10**9,
        progress=Progress(word, HUGE, HUGE / 2, word, HUGE, word, word, word), last_line=word,
        warnings=(word,), tags=(word,), blocked_in=word, log_bytes=2**62, log_age_s=HUGE,
    )  # fmt: skip


def hostile_store() -> FleetStore:
    """Not sanitised on its way in: the screen must stand on its own as well."""
    store = fed([*node_up("good"), *node_up("bad")])
    records = tuple(record(number, word) for number, word in enumerate(WORDS.values()))
    store.apply(WorkersArrived("bad", 100.0, WorkerReport(CLOCK, records)))
    return store


class HostileWorkers:
    """What the dialogs ask, answered with nothing but hostile words."""

    def presets(self) -> tuple[Any, ...]:
        return ()

    def plan(self, request: Any) -> Any:
        raise UsageError("\n".join(WORDS.values()))

    async def describe(self, key: tuple[str, str], points: int = 120) -> WorkerDetails:
        number = int("".join(c for c in key[1][-2:] if c.isdigit()) or 0)
        word = list(WORDS.values())[number % len(WORDS)]
        spec = WorkerSpec("1", word, (word,), directory=word, stop_signal=word, environment=(Variable(word, word),))  # fmt: skip
        curve = (float("nan"), float("inf"), -HUGE, HUGE, 0.0)
        metrics = (MetricSeries(word, curve, curve), MetricSeries(word, (), ()))
        events = (WorkerEvent(1, HUGE, word), WorkerEvent(2, -1e18, word))
        return WorkerDetails(record(number, word), spec, word, events, metrics, (word, word))

    async def orphans(self, nodes: Sequence[str]) -> tuple[Any, Any]:
        found = tuple(
            Orphan(f"{i}", word, word, ("adopt", word), i, 1, word, word, word, word, word)
            for i, word in enumerate(WORDS.values())
        )
        return {"bad": OrphanReport(found, False, tuple(WORDS.values()))}, {"good": WORDS["title"]}

    async def act(self, targets: Sequence[Target], act: str, batch: int = 0) -> tuple[Outcome, ...]:
        words = list(WORDS.values())
        return tuple(
            Outcome(one.node, one.name, Verdict.FAILED, words[i % len(words)], one.run_id)
            for i, one in enumerate(targets)
        )


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
async def test_list_and_dialogs_show_it_as_text(tmp_path: Path, size: tuple[int, int]) -> None:
    store = hostile_store()
    runtime = StandIn(store, workers=HostileWorkers())
    async with opened(store, tmp_path, size, runtime=runtime) as pilot:
        await pilot.press("2")
        await settled(pilot)
        for keys in (
            ("j",), ("G",), ("pageup",), ("greater_than_sign",), ("greater_than_sign",), ("g",), ("y",),
            ("x",), ("pagedown",), ("enter",), ("escape",), ("o",), ("G",), ("k",), ("x",), ("escape",),
            ("S",), ("escape",), ("asterisk",), ("D",), ("x",), ("escape",), ("F",), ("escape",),
            ("X",), ("escape",), ("ctrl+backslash",), ("g",),
        ):  # fmt: skip
            await pilot.press(*keys)
            await settled(pilot)
            only_text(text(pilot), size[0])
        table = pilot.app.screen.list.table  # type: ignore[attr-defined]
        for key in table.keys[0 if size[0] > 80 else 2 :: 6]:
            table.select(key)
            await pilot.press("enter", "pagedown")
            await settled(pilot)
            only_text(text(pilot), size[0])
            await pilot.press("escape")
        assert pilot.app.is_running
