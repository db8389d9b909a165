"""Runs the command: in this process where it ends by itself, in one of its own where it must be stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """The command listens to signals and sets threads; the next test must not know."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    torch.set_num_threads(1)


class Command:
    """`quarterdeck-worker selfplay` in a folder, with a run directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "games"
        self.status_path = folder / "status.json"
        self.drain = folder / "drain"
        self._started: list[subprocess.Popen[str]] = []
        self.environment = {
            "QD_STATUS": str(self.status_path),
            "QD_DRAIN": str(self.drain),
            "QD_METRICS": str(folder / "metrics.jsonl"),
            "QD_RUN_ID": "run-1",
            "QD_WORKER": "selfplay",
        }

    def words(self, *more: str) -> list[str]:
        return ["--output", str(self.out), "--models", str(self.folder / "models"), "--threads", "1", *more]  # fmt: skip

    def start(self, *more: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "workers.selfplay", *self.words(*more)],
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        """Nothing that it started lives on."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self.status_path.read_text())
        except FileNotFoundError:
            return {"phase": "", "extra": {}}
        return found

    def wait_for(self, holds: Callable[[dict[str, Any]], bool], within_s: float = 60) -> dict[str, Any]:  # fmt: skip
        until = time.monotonic() + within_s
        while not holds(status := self.status()):
            assert time.monotonic() < until, status
            time.sleep(0.02)
        return status


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    found = Command(tmp_path)
    yield found
    found.end()


@pytest.fixture
def run(command: Command, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs it here; its exit code."""
    for name, value in command.environment.items():
        monkeypatch.setenv(name, value)

    def call(*more: str) -> int:
        from workers.selfplay.__main__ import main

        return main(command.words(*more))

    return call
