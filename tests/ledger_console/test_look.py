"""A look at a real agent: its files against manifests made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.fleet.model import NodeSpec, Transport
from console.fleet.totals import DataRow, DatasetTotal, data_rows, totals
from console.runtime import Runtime
from tests.ledger_console.kept import Kept, lines
from tests.runtimes import load_home, settings_file, until, up

SETTINGS = """
datasets:
  - {name: d, paths: ["d/*.jsonl"]}
jobs:
  - {name: sync, kind: sync, destination: {node: local}}
  - {name: aggregate, kind: aggregate, destination: {node: local}}
"""
BACKUP = """
  - {name: off-site, kind: backup, remote: ":s3:bucket/data", destination: {node: local}}
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
    return Kept(home / ".local/share/quarterdeck/data", "d", home / "run", "box")


def started(home: Path, more: str = "", name: str = "box") -> Runtime:
    """Watches `box`; its destination is `local`, which no one watches, and which is asked aside."""
    settings_file(home, SETTINGS + more)
    loaded = load_home(home)
    spec = NodeSpec(name, Transport.LOCAL, root="~/run")
    return Runtime(loaded, [loaded.settings.spec_of(spec)])


def row_and_total(runtime: Runtime) -> tuple[DataRow, DatasetTotal]:
    store = runtime.store
    rows = data_rows(store.nodes.values(), store.history, store.now, store.ledger)
    sums = totals(rows, store.ledger)
    return next(row for row in rows if row.dataset == "d"), next(
        total for total in sums if total.dataset == "d"
    )


async def test_the_way_of_a_dataset_from_one_machine_to_three(home: Path, kept: Kept) -> None:
    async with started(home, BACKUP) as runtime:
        await up(runtime, "box")
        safety = await runtime.ledger.safe("box")
        assert (safety.safe, safety.text) == (False, "no: 150 records (2.2 kB) not synced")

        a, b = kept.sync("d/a.jsonl"), kept.sync("d/b.jsonl")
        safety = await runtime.ledger.safe("box")
        assert safety.safe is False
        assert "150 records" in safety.text
        assert "not aggregated" in safety.text

        kept.aggregate(a)
        await runtime.ledger.refresh()
        await until(lambda: runtime.store.nodes["box"].datasets)
        row, total = row_and_total(runtime)
        assert (row.unsynced_records, row.unsynced_bytes) == (0, 0)
        assert (total.unsynced_records, total.held.aggregated_records) == (0, 100)
        assert total.held.backed_up_records == 0
        assert "50 records" in (await runtime.ledger.safe("box")).text

        kept.aggregate(b, generation=2)
        kept.back_up(1)
        safety = await runtime.ledger.safe("box")
        assert (safety.safe, safety.records) == (False, 50)
        assert "not backed up" in safety.text

        kept.back_up(2)
        safety = await runtime.ledger.safe("box")
        assert safety.safe is True
        assert safety.text.startswith("yes: all of 150 records")


async def test_what_was_written_after_the_sync_is_not_safe(home: Path, kept: Kept) -> None:
    for path in ("d/a.jsonl", "d/b.jsonl"):
        kept.aggregate(kept.sync(path))
    async with started(home) as runtime:
        await up(runtime, "box")
        assert (await runtime.ledger.safe("box")).safe is True
        with (home / "run/d/a.jsonl").open("a") as file:
            file.write('{"record": "new"}\n')
        safety = await runtime.ledger.safe("box")
        assert (safety.safe, safety.records) == (False, 1)
        lines(home / "run/d/a.jsonl", 100, "others")  # written in place
        assert (await runtime.ledger.safe("box")).safe is False


async def test_manifests_that_cannot_be_read_are_unknown_and_never_nothing(
    home: Path, kept: Kept
) -> None:
    kept.aggregate(kept.sync("d/a.jsonl"))
    async with started(home) as runtime:
        await up(runtime, "box")
        await runtime.ledger.refresh()
        path = kept.path("synced")
        path.rename(path.with_suffix(".away"))
        path.mkdir()
        safety = await runtime.ledger.safe("box")
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
        await up(runtime, "box")
        await runtime.ledger.refresh()
        kept.destination.rename(home / "unmounted")
        safety = await runtime.ledger.safe("box")
        assert safety.safe is None
        assert "not there any more" in safety.text


async def test_another_console_knows_what_the_last_one_knew(home: Path, kept: Kept) -> None:
    kept.sync("d/a.jsonl")
    async with started(home) as runtime:
        await up(runtime, "box")
        await runtime.ledger.refresh()
    kept.destination.rename(home / "unmounted")
    async with started(home) as runtime:
        entry = runtime.store.ledger.entry("box", "d")
        assert entry.standing is not None
        assert entry.standing.unsynced_records == 50
        assert not entry.holds, "it is of another time"
        assert runtime.ledger.known_safety("box").safe is not True
        await up(runtime, "box")
        assert (await runtime.ledger.safe("box")).safe is None


async def test_the_machine_that_merges_is_not_safe_before_a_backup(home: Path, kept: Kept) -> None:
    other = Kept(kept.destination, "d", home / "run", "gone", "the key of a machine that is gone")
    other.aggregate(other.sync("d/a.jsonl"))
    other.aggregate(other.sync("d/b.jsonl"), generation=2)
    kept.aggregate(kept.sync("d/a.jsonl"), generation=2)
    (home / "run/d/b.jsonl").unlink()
    async with started(home, name="local") as runtime:
        await up(runtime, "local")
        safety = await runtime.ledger.safe("local")
        assert (safety.safe, safety.records) == (False, 250), "those of the other lie here alone"
        kept.back_up(1)
        assert (await runtime.ledger.safe("local")).records == 150
        kept.back_up(2)
        assert (await runtime.ledger.safe("local")).safe is True
        kept.path("backed_up").unlink()
        kept.path("backed_up").mkdir()
        assert (await runtime.ledger.safe("local")).safe is None


async def test_the_destination_is_no_node_of_the_console(home: Path, kept: Kept) -> None:
    kept.sync("d/a.jsonl")
    async with started(home) as runtime:
        await up(runtime, "box")
        await runtime.ledger.refresh()
        assert runtime.store.ledger.entry("box", "d").unsynced_records == 50
        assert list(runtime.store.nodes) == ["box"]
