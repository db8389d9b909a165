"""native_sync: what a training gains that reads many small texts from fast storage instead of a slow mount.

The slow mount is simulated: a library that is loaded before all others makes every open of a file below the
source take DELAY_US longer, for the training, for our mirror and for rsync alike. Sizes and contents are real.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.bench_parts.table import Row, seconds, times

FILES = 10_000
FILE_BYTES = 2_000
DELAY_US = 1_000  # of NFS over a LAN, or of a Windows drive in WSL, at the better end
_SHIM = Path(__file__).with_name("slow_open.c")
_LOADER = """
import json, pathlib, time
began = time.perf_counter()
texts = [path.read_text() for path in sorted(pathlib.Path(".").rglob("*.txt"))]
took = time.perf_counter() - began
pathlib.Path("adapter_config.json").write_text(json.dumps({"files": len(texts), "seconds": took}))
"""
_NOTE = (
    f"simulated: each open below the source takes {DELAY_US / 1000:g} ms longer (LD_PRELOAD), as on a network "
    f"mount; {FILES:,} texts of {FILE_BYTES} bytes in 100 folders, page cache warm, one reader"
)
_ONCE = "the first mirror; later ones take only what changed"


def run() -> list[Row]:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or shutil.which("rsync") is None:
        return [Row("native_sync", verdict="skipped", note="needs a C compiler and rsync")]
    with tempfile.TemporaryDirectory(prefix="qd-bench-native-") as name:
        folder = Path(name)
        source = _source(folder / "source")
        shim = folder / "slow.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", shim, _SHIM, "-ldl"], check=True)
        slow = {"LD_PRELOAD": str(shim), "QD_SLOW_PREFIX": str(source), "QD_SLOW_US": str(DELAY_US)}
        return [*_rows(folder, source, slow), _without_delay(folder, source)]


def _rows(folder: Path, source: Path, slow: dict[str, str]) -> list[Row]:
    in_place, _ = _trained(folder, source, "standard", slow)
    fast, legs = _trained(folder, source, "native_sync", slow)
    peer = _rsync(source, folder / "peer", slow)
    mirror = legs["mirror"]["seconds"]
    _, later = _trained(folder, source, "native_sync", slow)
    again = later["mirror"]["seconds"]
    epochs = mirror / max(in_place - fast, 1e-9)
    return [
        Row("one epoch over 10,000 small texts", seconds(fast), f"{seconds(in_place)} in place",
            times(in_place / fast), note=_NOTE),
        Row("the mirror, once", f"{seconds(mirror)} ({FILES / mirror:,.0f} files/s)",
            f"{seconds(peer)} rsync -a", times(mirror / peer), note=_ONCE),
        Row("the mirror again, nothing changed", seconds(again)),
        Row("pays for itself after", f"{epochs:.1f} epochs"),
    ]  # fmt: skip


def _without_delay(folder: Path, source: Path) -> Row:
    in_place, _ = _trained(folder, source, "standard", {})
    fast, _ = _trained(folder, source, "native_sync", {})
    note = "not simulated: both folders on this disk, where there is nothing to gain"
    return Row("one epoch, source as fast as the mirror", seconds(fast), f"{seconds(in_place)} in place",
               times(in_place / fast), note=note)  # fmt: skip


def _source(folder: Path) -> Path:
    text = "word " * (FILE_BYTES // 5)
    for number in range(FILES):
        path = folder / f"{number % 100:02d}" / f"{number:05d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def _trained(
    folder: Path, source: Path, mode: str, environment: dict[str, str]
) -> tuple[float, dict[str, Any]]:
    """(seconds the training took to read all, what the job says of its legs)"""
    options = {
        "mode": mode, "source": str(source), "fast": str(folder / "fast"),
        "command": [sys.executable, "-c", _LOADER],
    }  # fmt: skip
    body = {
        "schema": 1, "job": "bench", "kind": "train", "run": "r", "by": "", "here": "local", "fence": 1,
        "hosts": {}, "destination": {"node": "local"}, "options": options,
    }  # fmt: skip
    document = folder / "document.json"
    document.write_text(json.dumps(body))
    with _status(folder) as status:
        argv = [sys.executable, "-m", "workers.jobs", "train", "--document", str(document)]
        given = {**os.environ, **environment, "HOME": str(folder), "QD_STATUS": str(status)}
        subprocess.run(argv, env=given, check=True, capture_output=True)
        said = json.loads(status.read_text())
    found = json.loads((source / "adapter_config.json").read_text())
    (source / "adapter_config.json").unlink()
    return float(found["seconds"]), said["extra"]["legs"]


@contextmanager
def _status(folder: Path) -> Iterator[Path]:
    status = folder / "status.json"
    yield status
    status.unlink(missing_ok=True)


def _rsync(source: Path, target: Path, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    argv = ["rsync", "-a", f"{source}/", f"{target}/"]
    subprocess.run(argv, env={**os.environ, **environment}, check=True)
    return time.perf_counter() - began
