"""The command against the worker contract: exit codes, status, JSON, a stop within the grace time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.networks import saved
from workers import contract
from workers.evaluation import match_log
from workers.evaluation.__main__ import main
from workers.games import load_game
from workers.network.pointers import read_pointer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A working directory and a status of its own; the test runner keeps its signals."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(contract.STATUS, str(tmp_path / "status.json"))
    monkeypatch.setenv(contract.METRICS, str(tmp_path / "metrics.jsonl"))
    monkeypatch.setenv(contract.DRAIN, str(tmp_path / "drain"))
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def status(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "status.json").read_text())


def command(*words: str) -> int:
    return main([*words, "--threads", "1"])


EASY = ("--elo0", "-800", "--elo1", "-300", "--min-games", "16", "--max-games", "80")


def test_no_network_yet_is_exit_3_and_said(tmp_path: Path) -> None:
    assert main([]) == contract.EXIT_WAITING
    said = status(tmp_path)
    assert "no latest network yet" in said["blocked_because"]
    assert said["health"] == "ok"


def test_a_gate_promotes_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = saved(tmp_path / "data/models/square8_2p", load_game("reversi", "square8", 2), 7)
    assert command("gate", "--search", "policy", *EASY, "--json", "--seed", "5") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["promoted"], shown["candidate"], shown["best"]) == (True, name, "")
    assert read_pointer(tmp_path / "data/models/square8_2p", "best") == name
    said = status(tmp_path)
    assert (said["unit"], said["phase"]) == ("game", "done")
    assert said["done"] >= shown["games"] >= 16
    assert said["extra"]["matches"] == str(tmp_path / "data/matches/square8_2p/matches.jsonl")
    assert "promoted" in said["message"]
    assert "gate/elo" in (tmp_path / "metrics.jsonl").read_text()


def test_gauntlet_ratings_history_and_roll_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ratings"]) == contract.EXIT_WAITING
    assert main(["history"]) == contract.EXIT_WAITING
    assert main(["rollback"]) == contract.EXIT_CONFIGURATION
    assert command("gauntlet", "greedy", "random", "--num-games", "20") == 0
    assert "greedy" in capsys.readouterr().out
    assert main(["ratings"]) == 0
    assert "reversi square8 2p (reversi/1), 20 games" in capsys.readouterr().out
    assert main(["ratings", "--json"]) == 0
    ratings = json.loads(capsys.readouterr().out)["ladders"][0]["ratings"]
    assert {r["participant"]["search"] for r in ratings} == {"greedy", "random"}
    assert status(tmp_path)["phase"] == "done"


def test_ratings_tell_what_was_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("gauntlet", "greedy", "random", "--num-games", "8") == 0
    log = tmp_path / "data/matches/square8_2p/matches.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    assert main(["ratings"]) == 0
    assert "1 torn" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("gauntlet", "random"),
        ("gauntlet", "random", "chess"),
        ("gauntlet", "random", "greedy", "--board", "round"),
        ("gauntlet", "random", "greedy", "--num-games", "0"),
        ("gauntlet", "random", "greedy", "--device", "abacus"),
        ("gate", "--elo0", "5", "--elo1", "5"),
        ("gate", "--alpha", "0.7"),
        ("gate", "--min-games", "9", "--max-games", "8"),
        ("sing",),
    ],
)
def test_what_cannot_be_is_exit_4(words: tuple[str, ...]) -> None:
    assert command(*words) == contract.EXIT_CONFIGURATION


def test_drained_it_finishes_the_round_and_is_done(tmp_path: Path) -> None:
    (tmp_path / "drain").touch()
    assert command("gauntlet", "greedy", "random", "--num-games", "8") == contract.EXIT_DONE


def test_a_stop_ends_it_within_the_grace_time_and_loses_no_match(tmp_path: Path) -> None:
    words = ["gauntlet", "greedy", "random", "--num-games", "1000000", "--batch-size", "16"]
    running = subprocess.Popen(
        [sys.executable, "-m", "workers.evaluation", *words, "--threads", "1", "--grace", "5"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / "data/matches/square8_2p/matches.jsonl"
    try:
        until = time.monotonic() + 60
        while len(match_log.read(log).results) < 16 and time.monotonic() < until:
            time.sleep(0.05)
        seen = match_log.read(log).results
        running.send_signal(signal.SIGTERM)
        began = time.monotonic()
        shown, _ = running.communicate(timeout=30)
        assert time.monotonic() - began < 30
        assert running.returncode == contract.EXIT_TERMINATED
    finally:
        running.kill()
    found = match_log.read(log)
    assert found.results[: len(seen)] == seen
    assert found.left_out == ""
    assert f" {sum(len(result.games) for result in found.results)} " in shown
    said = status(tmp_path)
    assert said["total"] == 1_000_000
    assert said["done"] == 2 * len(found.results)


def test_waiting_for_a_candidate_is_said_and_ends_at_once(tmp_path: Path) -> None:
    saved(tmp_path / "data/models/square8_2p", load_game("reversi", "square8", 2), 7)
    words = ["gate", "--forever", "--search", "policy", *EASY, "--threads", "1"]
    running = subprocess.Popen(
        [sys.executable, "-m", "workers.evaluation", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        said: dict[str, Any] = {}
        while said.get("phase") != "waiting" and time.monotonic() < until:
            time.sleep(0.1)
            said = status(tmp_path) if (tmp_path / "status.json").exists() else {}
        assert "waiting for a candidate" in said["blocked_because"]
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == contract.EXIT_INTERRUPTED
    finally:
        running.kill()


def test_reading_needs_no_torch_and_playing_says_so() -> None:
    code = """
import importlib.machinery, sys
find = importlib.machinery.PathFinder.find_spec
def without(name, *rest):
    return None if name.partition(".")[0] in ("torch", "numpy") else find(name, *rest)
importlib.machinery.PathFinder.find_spec = without
from workers.evaluation.__main__ import main
print([main([verb]) for verb in ("history", "rollback", "ratings", "gate")])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "[3, 4, 4, 4]\n", done.stderr
    assert "gate needs torch: pip install" in done.stderr
