"""The trainer run in this process and in others, with networks small enough for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.training.games import KEY
from workers.network.places import checkpoint_names, checkpoint_path
from workers.network.pointers import read_pointer
from workers.training.__main__ import main

ROOT = Path(__file__).parents[2]
SMALL = [
    "--dtype",
    "float32",
    "--architecture",
    "4x1v4",
    "--batch-size",
    "32",
    "--threads",
    "1",
    "--device",
    "cpu",
    "--held-out",
    "0",
    "--warmup-steps",
    "2",
    "--schedule-steps",
    "100",
    "--checkpoint-steps",
    "5",
    "--log-steps",
    "5",
    "--no-tensorboard",
]
DEADLINE_S = 100.0


class Room:
    """A folder with games and models."""

    def __init__(self, folder: Path) -> None:
        self.games = folder / "games"
        self.models = folder / "models"
        self.folder = self.models / KEY
        self.status_path = folder / "status.json"

    def argv(self, *more: str) -> list[str]:
        return [*SMALL, "--data", str(self.games), "--models", str(self.models), *more]

    def train(self, *more: str, drain: Path | None = None) -> int:
        """In this process; its exit code."""
        handlers = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)}
        before = dict(os.environ)
        os.environ["QD_STATUS"] = str(self.status_path)
        if drain is not None:
            os.environ["QD_DRAIN"] = str(drain)
        try:
            return main(self.argv(*more))
        finally:
            os.environ.clear()
            os.environ.update(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)

    @contextmanager
    def training(self, *more: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """In a process of its own, killed at the end if it still lives."""
        process = subprocess.Popen(
            [sys.executable, "-m", "workers.training", *self.argv(*more)],
            cwd=ROOT,
            env={**os.environ, "QD_STATUS": str(self.status_path), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    @property
    def status(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self.status_path.read_text())
        except FileNotFoundError:
            return {}
        return found

    @property
    def latest(self) -> Path | None:
        name = read_pointer(self.folder, "latest") if self.folder.is_dir() else None
        return checkpoint_path(self.folder, name) if name else None

    @property
    def names(self) -> list[str]:
        return checkpoint_names(self.folder)

    @property
    def curve(self) -> list[dict[str, Any]]:
        lines = (self.folder / "metrics.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


def step_of(path: Path | None) -> int:
    return int(path.name.split("-")[0]) if path else 0


def until(holds: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)
