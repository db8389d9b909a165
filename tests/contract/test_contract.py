"""The worker contract: what the code says, what the page says, and that its examples work."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.agents import ROOT
from workers import contract
from workers.contract import Reporter

PAGE = (ROOT / "workers" / "README.md").read_text()
# As CONTRACTS has it: name and type of each field.
STATUS = {
    "schema": int, "phase": str, "done": int, "total": int, "unit": str, "rate_per_minute": float,
    "message": str, "health": str, "blocked_because": type(None), "updated_at": float, "extra": dict,
}  # fmt: skip


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    attempt = tmp_path / "attempt-0001"
    attempt.mkdir()
    return {
        "PATH": os.environ["PATH"],
        contract.STATUS: str(attempt / "status.json"),
        contract.METRICS: str(attempt / "metrics.jsonl"),
        contract.DRAIN: str(attempt / "drain"),
    }


def status_in(environment: dict[str, str]) -> Any:
    return json.loads(Path(environment[contract.STATUS]).read_text())


def example(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.S | re.M)
    return str(found)


def test_status_has_the_fields_of_the_contract(environment: dict[str, str]) -> None:
    Reporter(environment).status("train", 5, 100, "epoch", 0.4, "…", extra={"wins": [1, 2]})
    found = status_in(environment)
    assert {name: type(value) for name, value in found.items()} == STATUS
    assert found["schema"] == contract.SCHEMA == 1
    assert json.loads(example("json")).keys() == found.keys()


def test_metrics_are_lines_of_the_contract(environment: dict[str, str]) -> None:
    reporter = Reporter(environment)
    reporter.metric("loss/policy", 1.83, 12)
    reporter.metric("loss/policy", math.nan, 13)
    first, second = Path(environment[contract.METRICS]).read_text().splitlines()
    assert list(json.loads(first)) == ["t", "step", "name", "value"]
    assert json.loads(first)["value"] == 1.83
    assert json.loads(second)["value"] is None
    assert "NaN" not in second


def test_outside_of_quarterdeck_it_does_nothing(tmp_path: Path) -> None:
    reporter = Reporter({})
    reporter.status("train")
    reporter.metric("loss", 1.0, 1)
    assert not reporter.draining
    assert list(tmp_path.iterdir()) == []


def test_a_reader_never_sees_half_a_status(environment: dict[str, str]) -> None:
    """However many threads of the worker write it."""
    reporter = Reporter(environment)
    reporter.status()
    stop = threading.Event()

    def write(size: int) -> None:
        while not stop.is_set():
            reporter.status(message="x" * size)

    threads = [threading.Thread(target=write, args=(size,)) for size in (1, 50_000)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(300):
            assert len(status_in(environment)["message"]) in (0, 1, 50_000)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert os.listdir(Path(environment[contract.STATUS]).parent) == ["status.json"]


def test_a_disk_that_refuses_is_told(environment: dict[str, str]) -> None:
    shutil.rmtree(Path(environment[contract.STATUS]).parent)
    with pytest.raises(OSError, match="status"):
        Reporter(environment).status()


def test_the_page_names_every_variable_and_exit_code() -> None:
    assert {name for name in contract.NAMES if f"`{name}`" not in PAGE} == set()
    codes = {
        int(code) for row in re.findall(r"^\| ([\d· ]+) \|", PAGE, re.M) for code in row.split("·")
    }
    assert codes == set(contract.EXIT_WORDS) == {0, 3, 4, 5, 6, 75, 130, 143}


def test_the_shell_example_works(environment: dict[str, str]) -> None:
    for shell in ("sh", "bash"):
        done = subprocess.run(
            [shell, "-euc", example("sh")], env=environment, capture_output=True, check=True
        )
        assert done.stdout == b"unit 1\nunit 2\nunit 3\n"
        assert status_in(environment) == {"schema": 1, "done": 3, "total": 3, "unit": "unit"}


def test_the_shell_example_drains(environment: dict[str, str]) -> None:
    Path(environment[contract.DRAIN]).touch()
    done = subprocess.run(
        ["sh", "-c", example("sh")], env=environment, capture_output=True, check=True
    )
    assert done.stdout == b""


def test_the_python_example_works_with_a_copied_file(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    shutil.copy(ROOT / "workers" / "contract.py", tmp_path)
    (tmp_path / "train.py").write_text(example("python"))
    train = [sys.executable, "train.py"]
    subprocess.run(train, cwd=tmp_path, env=environment, check=True)
    assert (status_in(environment)["phase"], status_in(environment)["done"]) == ("done", 3)
    assert len(Path(environment[contract.METRICS]).read_text().splitlines()) == 3
    subprocess.run(train, cwd=tmp_path, env={"PATH": environment["PATH"]}, check=True)
