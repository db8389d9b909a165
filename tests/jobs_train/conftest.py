"""A train job by its document, run as a supervisor would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TRAIN = """
import json, pathlib, sys
names = sorted(str(p) for p in pathlib.Path(".").rglob("*.txt"))
text = "".join(pathlib.Path(n).read_text() for n in names)
out = pathlib.Path("out"); out.mkdir(exist_ok=True)
(out / "adapter_model.safetensors").write_bytes(text.encode())
(out / "adapter_config.json").write_text(json.dumps({"files": len(names), "where": str(pathlib.Path.cwd())}))
(out / "checkpoint.bin").write_bytes(b"x" * 100_000)
pathlib.Path("log.jsonl").write_text("{}\\n")
print("trained on", len(names))
"""


@dataclass
class World:
    """A source with texts in it, a fast folder, and a home."""

    folder: Path

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def fast(self) -> Path:
        return self.folder / "fast"

    @property
    def run_folder(self) -> Path:
        return self.folder / "run"

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run_folder / "status.json").read_text())
        return found

    @property
    def parts(self) -> dict[str, dict[str, Any]]:
        return {part["name"]: part for part in self.status["extra"]["parts"]}

    def document(self, **options: Any) -> Path:
        body = {
            "schema": 1, "job": "nightly", "kind": "train", "run": "r1", "by": "ada@desk",
            "here": "local", "fence": 1, "hosts": {"local": {"ssh": None, "root": "~"}},
            "destination": {"node": "local"},
            "options": {"mode": "native_sync", "source": str(self.source), "fast": str(self.fast),
                        "command": ["python", "-c", TRAIN], "python": [sys.executable], **options},
        }  # fmt: skip
        file = self.folder / "document.json"
        file.write_text(json.dumps(body))
        return file

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        self.run_folder.mkdir(exist_ok=True)
        environment = {
            **os.environ, "HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state"),
            "QD_STATUS": str(self.run_folder / "status.json"),
            "QD_METRICS": str(self.run_folder / "metrics.jsonl"),
        }  # fmt: skip
        argv = [sys.executable, "-m", "workers.jobs", "train", "--document", str(self.document(**options)), *words]  # fmt: skip
        return subprocess.Popen(
            argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *words: str, **options: Any) -> tuple[int, str]:
        """(exit code, all it said)"""
        with self.start(*words, **options) as process:
            said, complained = process.communicate(timeout=60)
        return process.returncode, said + complained


def listing(folder: Path) -> dict[str, tuple[bytes, int]]:
    """All files of a folder: their bytes and modification times."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def world(tmp_path: Path) -> World:
    source = tmp_path / "source"
    for number in range(40):
        path = source / f"sub {number % 4}" / f"größe-{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text {number}\n" * (1 + number))
    (source / "big.txt").write_text("big\n" * 700_000)
    (source / "empty.txt").touch()
    (source / "link.txt").symlink_to("sub 0/größe-0.txt")
    return World(tmp_path)
