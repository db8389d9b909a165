"""A folder that an unprivileged user owns, and a reporter that runs as that user."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import stop_all

ROOT = Path(__file__).parents[2]
NOBODY = 65534
OTHER = 65533


@pytest.fixture
def owner() -> int:
    """Who the settings belong to: somebody without privileges where the tests run as root."""
    return NOBODY if os.geteuid() == 0 else os.geteuid()


@pytest.fixture
def folder(owner: int) -> Iterator[Path]:
    """A private folder of `owner` in a place that others can reach."""
    base = Path(tempfile.mkdtemp(prefix="quarterdeck-settings-"))
    try:
        os.chown(base, owner, -1)
        yield base
    finally:
        shutil.rmtree(base, ignore_errors=True)


class Reporter:
    """The reporter program at work, and what it said."""

    def __init__(self, path: Path, uid: int) -> None:
        argv = [sys.executable, "-m", "tests.settings.reporter", str(path)]
        if os.geteuid() == 0:
            argv.append(str(uid))
        self.process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(json.loads(line))
        self._said.put({"kind": "ended", "what": ""})

    def hears(self, kind: str, words: str = "", timeout_s: float = 20.0) -> str:
        """The next thing said; fails where it is of another kind or without these words."""
        said = self._said.get(timeout=timeout_s)
        assert said["kind"] == kind, said
        assert words in said["what"], said
        return str(said["what"])

    def hears_at_last(self, kind: str, words: str, timeout_s: float = 20.0) -> None:
        """As `hears`, but what comes before is passed over (a file seen half-way)."""
        while True:
            said = self._said.get(timeout=timeout_s)
            if said["kind"] == kind and words in said["what"]:
                return

    def said(self) -> list[dict[str, Any]]:
        """Everything said and not yet heard."""
        found = []
        while not self._said.empty():
            found.append(self._said.get())
        return found

    def close(self) -> None:
        stop_all([self.process.pid])
        self.process.wait(10)


@pytest.fixture
def report(owner: int) -> Iterator[Callable[[Path], Reporter]]:
    started: list[Reporter] = []

    def start(path: Path) -> Reporter:
        started.append(Reporter(path, owner))
        return started[-1]

    yield start
    for reporter in started:
        reporter.close()


@pytest.fixture
def written(owner: int) -> Callable[[Path, str], Path]:
    """Writes a file that belongs to the owner, in place."""

    def write(path: Path, text: str) -> Path:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(text)
        os.chown(path, owner, -1)
        return path

    return write
