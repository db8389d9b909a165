"""A command of ours as a supervisor sees it: exit codes, status, signals, drain."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from workers.harness import cpu_threads

PROGRAM = """
import argparse, errno, sys
from workers.harness import *
def run(worker, arguments):
    what = arguments.what
    if what == "loops":
        for turn in range(10**9):
            worker.say(done=turn, total=None, message="at it", batch=32)
            if worker.wait(0.05):
                return 0
            if worker.take_checkpoint_request():
                worker.metric("loss", float("nan"), turn)
    if what == "disk":
        raise OSError(errno.ENOSPC, "No space left on device", "/data/x")
    if what == "bug":
        raise KeyError("x")
    if what == "again":
        return 75
    errors = {"data": NoDataYet, "settings": Misconfigured, "corrupt": CorruptData}
    if what in errors:
        raise errors[what](f"no {what} at /there")
    worker.say(done=5, total=5)
parser = argparse.ArgumentParser()
parser.add_argument("what")
sys.exit(main("trying", "turn", run, parser, checkpoints=True))
"""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    names = {"QD_STATUS": "status.json", "QD_METRICS": "metrics.jsonl", "QD_DRAIN": "drain"}
    environment = os.environ | {key: str(folder / name) for key, name in names.items()}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        env=environment,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def status(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "status.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def until(holds: Any, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("data", 3, "no data at /there"),
        ("settings", 4, "no settings at /there"),
        ("corrupt", 5, "no corrupt at /there"),
        ("disk", 6, "/data/x: No space left on device"),
        ("bug", 1, "KeyError"),
        ("again", 75, ""),
        ("done", 0, ""),
    ],
)
def test_each_end_has_the_exit_code_of_the_contract(
    tmp_path: Path, what: str, code: int, said: str
) -> None:
    program = start(tmp_path, what)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == code, errors
    assert said in errors
    found = status(tmp_path)
    assert said in found["message"]
    assert (found["blocked_because"] is not None) == (code == 3)
    assert (found["phase"] == "done") == (code == 0)


def test_wrong_arguments_are_a_matter_of_configuration(tmp_path: Path) -> None:
    program = start(tmp_path, "done", "--no-such-thing")
    _, errors = program.communicate(timeout=60)
    assert (program.returncode, "--no-such-thing" in errors) == (4, True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_loop_and_is_the_exit_code(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    program = start(tmp_path, "loops")
    until(lambda: status(tmp_path).get("done"))
    program.send_signal(number)
    assert program.wait(timeout=10) == code
    assert status(tmp_path)["extra"] == {"batch": 32}


def test_a_drain_is_seen_and_ends_with_success(tmp_path: Path) -> None:
    program = start(tmp_path, "loops")
    until(lambda: status(tmp_path).get("done"))
    (tmp_path / "drain").touch()
    assert program.wait(timeout=10) == 0


def test_the_status_is_renewed_while_it_works_and_a_checkpoint_can_be_asked_for(
    tmp_path: Path,
) -> None:
    program = start(tmp_path, "loops")
    try:
        until(lambda: status(tmp_path).get("done"))
        first = status(tmp_path)["updated_at"]
        program.send_signal(signal.SIGUSR1)
        until(lambda: status(tmp_path)["updated_at"] > first)
        until((tmp_path / "metrics.jsonl").exists)
        point = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[0])
        assert (point["name"], point["value"]) == ("loss", None)
    finally:
        program.kill()
        program.communicate()


def test_threads_come_from_the_quota_and_are_shared(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0))
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "cpu.max").write_text("max 100000\n")
    assert cpu_threads(1, {}, inner) == cores
    (tmp_path / "a" / "cpu.max").write_text("150000 100000\n")
    assert cpu_threads(1, {}, inner) == min(cores, 1)
    assert cpu_threads(64, {}, inner) == 1
    assert cpu_threads(4, {"OMP_NUM_THREADS": "3"}, inner) == 3
