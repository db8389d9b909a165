"""`quarterdeck-worker records …`: what it says, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.agents import ROOT
from tests.records.games import BOARD, PLAYERS, files_in, game
from workers.records import Journal, encode_line
from workers.records.__main__ import main
from workers.records.duplicates import Duplicates


def write(out: Path, worker: str, *seeds: int) -> Path:
    journal = Journal(out, BOARD, PLAYERS, worker)
    for seed in seeds:
        journal.append(game(seed, worker))
    journal.close()
    return journal.shards[0]


def told(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, Any]:
    code = main([*map(str, argv), "--json"])
    return code, json.loads(capsys.readouterr().out or "null")


def test_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard = write(tmp_path, "a", 1, 2, 3, 4)
    write(tmp_path, "b", 3, 4)
    (tmp_path / "copies").mkdir()
    (tmp_path / "copies" / shard.name).write_bytes(shard.read_bytes())
    (tmp_path / "foreign.jsonl").write_text('{"x": 1}\n')
    code, found = told(capsys, "verify", tmp_path)
    assert (code, found["records"], found["files"], found["faults"]) == (0, 7, 3, {})
    assert found["copies"] == 1
    assert found["duplicates"] == [{"one": "a", "other": "b", "games": 2, "rate": 1.0}]
    assert main(["verify", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "a and b: 2 games are the same (100.0%)" in said
    assert "7 games in 3 files, 0 files with faults, 1 copies, torn 0" in said


def test_verify_finds_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = write(tmp_path, "a", 1, 2), write(tmp_path, "b", 3)
    data = bytearray(bad.read_bytes())
    data[30] ^= 4
    bad.write_bytes(data)
    good.with_name(f"c-1-n000009-{'0' * 16}.jsonl.zst").touch()
    journal = tmp_path / "square8_2p" / "open" / "d.jsonl"
    forged = encode_line(game(5)._replace(id="0" * 32))
    flipped = encode_line(game(6)).replace(b"square8", b"square9")
    journal.write_bytes(encode_line(game(4)) + forged + flipped + b'{"torn')
    code, found = told(capsys, "verify", tmp_path)
    assert (code, found["records"], found["torn"]) == (5, 3, 1)
    assert [Path(name).name[0] for name in found["faults"]] == ["b", "c", "d"]
    faults = [fault for words in found["faults"].values() for fault in words]
    assert [fault.split()[0] for fault in faults] == ["its", "a", "1", "game"]


@pytest.mark.parametrize("command", ["verify", "count"])
def test_nothing_there(tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, str(tmp_path / "missing")]) == 4
    assert "there is nothing" in capsys.readouterr().err
    assert main([command, str(tmp_path)]) == (3 if command == "verify" else 0)


def test_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard = write(tmp_path, "a", 1, 2)
    (tmp_path / "old.jsonl").write_text('{"x": 1}\n{"x": 2}\n')
    journal = Journal(tmp_path, BOARD, PLAYERS, "b")
    journal.append(game(3))
    code, found = told(capsys, "count", tmp_path)
    assert (code, found["records"], found["sealed_by_key"]) == (0, 5, {"square8_2p": 2})
    assert told(capsys, "count", shard)[1]["records"] == 2
    assert told(capsys, "count", journal._claim.path)[1]["records"] == 1
    assert told(capsys, "count", tmp_path / "old.jsonl")[1]["records"] == 2
    (tmp_path / "broken.jsonl").write_text("x")
    code, found = told(capsys, "count", tmp_path)
    assert (code, found["records"], len(found["unreadable"])) == (5, 5, 1)
    assert main(["count", str(tmp_path)]) == 5
    assert "5 games: 1 shards, 1 journals, 1 other files" in capsys.readouterr().out
    journal.close()


def test_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("numpy")
    shard = write(tmp_path / "out", "a", 1, 2)
    (tmp_path / "out" / shard.name).write_bytes(shard.read_bytes())
    target = tmp_path / "games.npz"
    code, found = told(capsys, "export", tmp_path / "out", "--output", target)
    assert (code, found) == (0, {"records": 2, "output": str(target)})
    assert main(["export", str(tmp_path / "out"), "-o", str(tmp_path / "games.csv")]) == 4


def test_recover(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = tmp_path / "square8_2p" / "open" / "d.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(encode_line(game(4)) + b'{"torn')
    assert main(["recover", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "recovered 1, torn 1"
    assert len(files_in(tmp_path)) == 1
    assert told(capsys, "recover", tmp_path)[1]["shards"] == []
    assert main(["recover", str(tmp_path / "missing")]) == 4


def test_words_that_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 4
    assert main(["mend", "x"]) == 4
    assert main(["--help"]) == 0
    capsys.readouterr()


def test_as_a_program_without_packages(tmp_path: Path) -> None:
    write(tmp_path, "a", 1, 2)
    argv = [sys.executable, "-S", "-m", "workers.records", "count", str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.endswith("2 games: 1 shards, 0 journals, 0 other files\n")


def test_duplicate_rates() -> None:
    duplicates = Duplicates()
    duplicates.add("a", [f"{number:032x}" for number in range(10)])
    duplicates.add("b", [f"{number:032x}" for number in range(8, 12)])
    duplicates.add("c", [f"{number:032x}" for number in (9, 50, 50, 51, 52)])
    assert (duplicates.games, duplicates.distinct) == (19, 15)
    assert [tuple(pair) for pair in duplicates.pairs()] == [
        ("a", "b", 2, 0.5),
        ("a", "c", 1, 0.25),
        ("b", "c", 1, 0.25),
        ("c", "c", 1, 0.2),
    ]
