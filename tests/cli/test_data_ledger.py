"""`data` with its ledger, `data safe`, and the guards: the program on this machine, manifests made by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.ledger_console.kept import Kept, lines

SETTINGS = """
nodes:
  - {name: local, root: ~/run}
datasets:
  - {name: d, paths: ["d/*.jsonl"]}
"""


@pytest.fixture
def kept(quarterdeck: Program) -> Kept:
    quarterdeck.settings(SETTINGS)
    root = quarterdeck.home / "run"
    lines(root / "d/a.jsonl", 100)
    lines(root / "d/b.jsonl", 50)
    return Kept(quarterdeck.home / ".local/share/quarterdeck/data", "d", root)


def test_data_tells_what_is_where_and_safe_says_no_then_yes(
    quarterdeck: Program, kept: Kept
) -> None:
    kept.aggregate(kept.sync("d/a.jsonl"))
    shown = quarterdeck("data", "--json").json
    (row,) = shown["nodes"]
    assert (row["records"], row["unsynced_records"], row["unsynced_bytes"]) == (150, 50, 740)
    assert row["last_synced_age_s"] is not None
    total = shown["totals"]["d"]
    assert total["unsynced_records"] == 50
    assert (total["aggregated_records"], total["backed_up_records"]) == (100, 0)

    no = quarterdeck("data", "safe", "local")
    assert no.code == 4
    assert no.out.startswith("no: 50 records (740 B) not synced")
    kept.aggregate(kept.sync("d/b.jsonl"))
    kept.back_up()  # this machine is the destination too: what is merged lies nowhere else
    yes = quarterdeck("data", "safe", "local", "--json")
    assert (yes.code, yes.json["safe"], yes.json["records"]) == (0, True, 0)
    assert yes.json["datasets"][0]["unsynced_bytes"] == 0
    table = quarterdeck("data").out
    assert "100 aggregated" not in table
    assert "150 aggregated" in table


def test_what_cannot_be_read_is_unknown_and_null(quarterdeck: Program, kept: Kept) -> None:
    kept.aggregate(kept.sync("d/a.jsonl"))
    kept.path("aggregated").unlink()
    kept.path("aggregated").mkdir()
    unknown = quarterdeck("data", "safe", "local")
    assert unknown.code == 3
    assert unknown.out.startswith("unknown: d: ")
    shown = quarterdeck("data", "--json").json
    assert shown["nodes"][0]["unsynced_records"] is None
    total = shown["totals"]["d"]
    assert {total[key] for key in ("unsynced_records", "aggregated_records")} == {None}
    assert total["records"] == 150


def test_a_node_that_is_none_is_no_safe_node(quarterdeck: Program) -> None:
    quarterdeck.settings(SETTINGS)
    assert quarterdeck("data", "safe").code == 2
    assert quarterdeck("data", "safe", "a", "b").code == 2
    assert quarterdeck("data", "safe", "nobody", "--demo").code == 2


def test_what_we_left_stays_while_data_are_nowhere_else(quarterdeck: Program, kept: Kept) -> None:
    quarterdeck("data")
    state = quarterdeck.home / ".local/state/quarterdeck"
    refused = quarterdeck("nodes", "uninstall", "local", "--yes")
    assert refused.code == 4
    assert "150 records" in refused.err
    assert "--force" in refused.err
    assert any((state / "nodes").iterdir())
    assert quarterdeck("nodes", "uninstall", "local", "--yes", "--force").code == 0


def test_a_node_is_taken_out_only_when_its_data_were_safe_or_by_force(
    quarterdeck: Program, kept: Kept
) -> None:
    quarterdeck("data")
    settings = quarterdeck.home / ".config/quarterdeck"
    shutil.move(settings / "settings.yaml", settings / "nodes.yaml")
    refused = quarterdeck("nodes", "remove", "local")
    assert refused.code == 4
    assert "150 records" in refused.err
    assert " ago)" in refused.err
    assert "local" in Path(settings / "nodes.yaml").read_text()
    done = quarterdeck("nodes", "remove", "local", "--force")
    assert done.code == 0, done.err


def test_the_demonstration_has_a_ledger(quarterdeck: Program) -> None:
    no = quarterdeck("data", "safe", "gpu-1", "--demo")
    assert no.code == 4
    assert "not synced" in no.out
