"""A look at a real agent: its files against manifests made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from console.fleet.totals import DataRow, DatasetTotal, data_rows, totals
from console.runtime import Runtime
from tests.ledger_console.kept import Kept, lines
from tests.runtimes import runtime_of, settings_file, until, up

SETTINGS = """
nodes:
  - {name: local, root: ~/run}
datasets:
  - {name: d, paths: ["d/*.jsonl"]}
"""
BACKUP = """
jobs:
  - {name: off-site, kind: backup, remote: ":s3:bucket/data"}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    lines(tmp_path / "run/d/a.jsonl", 100)
    lines(tmp_path / "run/d/b.jsonl", 50)
    return tmp_path


@pytest.fixture
def kept(home: Path) -> Kept:
    return Kept(home / ".local/share/quarterdeck/data", "d", home / "run")


def started(home: Path, more: str = "", **options: Any) -> Runtime:
    settings_file(home, SETTINGS + more)
    return runtime_of(home, **options)


def row_and_total(runtime: Runtime) -> tuple[DataRow, DatasetTotal]:
    store = runtime.store
    rows = data_rows(store.nodes.values(), store.history, store.now, store.ledger)
    sums = totals(rows, store.ledger)
    return next(row for row in rows if row.dataset == "d"), next(
        total for total in sums if total.dataset == "d"
    )


async def test_the_way_of_a_dataset_from_one_machine_to_three(home: Path, kept: Kept) -> None:
    async with started(home, BACKUP) as runtime:
        await up(runtime)
        safety = await runtime.ledger.safe("local")
        assert (safety.safe, safety.text) == (False, "no: 150 records (2.2 kB) not synced")

        a, b = kept.sync("d/a.jsonl"), kept.sync("d/b.jsonl")
        safety = await runtime.ledger.safe("local")
        assert safety.safe is False
        assert "150 records" in safety.text
        assert "not aggregated" in safety.text

        kept.aggregate(a)
        await runtime.ledger.refresh()
        await until(lambda: runtime.store.nodes["local"].datasets)
        row, total = row_and_total(runtime)
        assert (row.unsynced_records, row.unsynced_bytes) == (0, 0)
        assert (total.unsynced_records, total.held.aggregated_records) == (0, 100)
        assert total.held.backed_up_records == 0
        assert "50 records" in (await runtime.ledger.safe("local")).text

        kept.aggregate(b, generation=2)
        kept.back_up(1)
        safety = await runtime.ledger.safe("local")
        assert (safety.safe, safety.records) == (False, 50)
        assert "not backed up" in safety.text

        kept.back_up(2)
        safety = await runtime.ledger.safe("local")
        assert safety.safe is True
        assert safety.text.startswith("yes: all of 150 records")


async def test_what_was_written_after_the_sync_is_not_safe(home: Path, kept: Kept) -> None:
    for path in ("d/a.jsonl", "d/b.jsonl"):
        kept.aggregate(kept.sync(path))
    async with started(home) as runtime:
        await up(runtime)
        assert (await runtime.ledger.safe("local")).safe is True
        with (home / "run/d/a.jsonl").open("a") as file:
            file.write('{"record": "new"}\n')
        safety = await runtime.ledger.safe("local")
        assert (safety.safe, safety.records) == (False, 1)
        lines(home / "run/d/a.jsonl", 100, "others")  # written in place
        assert (await runtime.ledger.safe("local")).safe is False


async def test_manifests_that_cannot_be_read_are_unknown_and_never_nothing(
    home: Path, kept: Kept
) -> None:
    kept.aggregate(kept.sync("d/a.jsonl"))
    async with started(home) as runtime:
        await up(runtime)
        await runtime.ledger.refresh()
        path = kept.path("synced")
        path.rename(path.with_suffix(".away"))
        path.mkdir()
        safety = await runtime.ledger.safe("local")
        assert safety.safe is None
        assert "cannot be read" in safety.text
        await runtime.ledger.refresh()
        row, total = row_and_total(runtime)
        assert (row.unsynced_records, row.unsynced_bytes) == (None, None)
        assert (total.unsynced_bytes, total.held.unknown is None) == (None, False)
        assert total.unsynced_bytes_known, "the last known figure is still there to be shown"


async def test_a_destination_that_is_gone_after_it_was_there_is_unknown(
    home: Path, kept: Kept
) -> None:
    kept.aggregate(kept.sync("d/a.jsonl"))
    async with started(home) as runtime:
        await up(runtime)
        await runtime.ledger.refresh()
        kept.destination.rename(home / "unmounted")
        safety = await runtime.ledger.safe("local")
        assert safety.safe is None
        assert "not there any more" in safety.text


async def test_another_console_knows_what_the_last_one_knew(home: Path, kept: Kept) -> None:
    kept.sync("d/a.jsonl")
    async with started(home) as runtime:
        await up(runtime)
        await runtime.ledger.refresh()
    kept.destination.rename(home / "unmounted")
    async with started(home) as runtime:
        entry = runtime.store.ledger.entry("local", "d")
        assert entry.standing is not None
        assert entry.standing.unsynced_records == 50
        assert not entry.holds, "it is of another time"
        assert runtime.ledger.known_safety("local").safe is not True
        await up(runtime)
        assert (await runtime.ledger.safe("local")).safe is None


async def test_the_destination_may_be_a_machine_that_nobody_watches(home: Path, kept: Kept) -> None:
    """The manifests lie on this machine, which is no node here."""
    for path in ("d/a.jsonl", "d/b.jsonl"):
        kept.aggregate(kept.sync(path))
    async with started(home) as runtime:
        await up(runtime)
        node = runtime.store.nodes["local"]
        ask = runtime.ledger._asking.send
        asked = []

        async def aside(name: str, message: Any, timeout_s: float) -> Any:
            asked.append(name)
            if type(message).__name__ == "ReadManifest":
                spec = node.spec.__class__("other", node.spec.transport)
                return await runtime._aside.ask(spec, message, timeout_s)
            return await ask(name, message, timeout_s)

        runtime.ledger._asking.send = aside
        assert (await runtime.ledger.safe("local")).safe is True
        assert list(runtime.store.nodes) == ["local"]
