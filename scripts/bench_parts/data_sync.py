"""A sync of one large file and of many small ones, beside bare rsync over the same ssh.

QD_BENCH_SYNC_BYTES and QD_BENCH_SYNC_FILES set other sizes than 2 GB and 50,000.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from scripts.bench_parts.launch import home
from scripts.bench_parts.table import Row, seconds, times, verdict
from tests.loopback import LoopbackFleet, unavailable

LARGE_BYTES = int(os.environ.get("QD_BENCH_SYNC_BYTES", 2_000_000_000))
SMALL_FILES = int(os.environ.get("QD_BENCH_SYNC_FILES", 50_000))
_SMALL_BYTES = 1000
LEAST = 0.9  # of the speed of a bare rsync
_SETTLED_S = 2.5
_NOTE = (
    "ours copies, then hashes at both ends, makes each file durable and writes the manifest; "
    "each file by name, where rsync -rt walks folders; the target holds for the copying; the best of two each, in turns"
)


class Ours(NamedTuple):
    copied_s: float
    verified_s: float
    whole_s: float


def run() -> list[Row]:
    reason = unavailable()
    if reason:
        return [Row("sync over SSH", verdict="skipped", note=reason)]
    with LoopbackFleet(1) as fleet, home() as folder:
        data = fleet.hosts[0].home / "run"
        large = f"sync of one file of {LARGE_BYTES / 1e9:g} GB"
        rows = _measured(large, fleet, folder, _large(data))
        shutil.rmtree(data)
        small = f"sync of {SMALL_FILES:,} files of 1 kB"
        rows += _measured(small, fleet, folder, _small(data))
    return rows


def _measured(what: str, fleet: LoopbackFleet, folder: Path, size: int) -> list[Row]:
    time.sleep(_SETTLED_S)
    bares, all_ours = [], []
    for _ in range(2):  # in turns: the machine is not the same from minute to minute
        bares.append(_bare(fleet, folder))
        all_ours.append(_ours(fleet, folder))
    bare, ours = min(bares), min(all_ours)
    ratio = bare / ours.copied_s
    rate = f"{size / ours.copied_s / 1e6:.0f} MB/s"
    return [
        Row(
            what, f"{seconds(ours.copied_s)}, {rate}", f"{seconds(bare)} rsync -rt", times(ratio),
            f"≥ {LEAST:g} × its speed", verdict(ratio >= LEAST), _NOTE,
        ),
        Row("… verified and durable", seconds(ours.verified_s)),
        Row("… the whole job", seconds(ours.whole_s), note="with its start, two listings and ssh's"),
    ]  # fmt: skip


def _large(data: Path) -> int:
    data.mkdir(parents=True)
    left = LARGE_BYTES
    with (data / "large").open("wb") as file:
        while left:
            left -= file.write(os.urandom(min(left, 1 << 24)))
    return LARGE_BYTES


def _small(data: Path) -> int:
    for number in range(SMALL_FILES):
        path = data / f"{number // 1000:03}" / f"{number:06}"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(os.urandom(_SMALL_BYTES))
    return SMALL_FILES * _SMALL_BYTES


def _ssh(fleet: LoopbackFleet) -> list[str]:
    return [
        "ssh", "-F", "/dev/null", "-i", str(fleet.key), "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={fleet.known_hosts}",
    ]  # fmt: skip


def _bare(fleet: LoopbackFleet, folder: Path) -> float:
    into = folder / "bare"
    shutil.rmtree(into, ignore_errors=True)
    source = f"root@{fleet.hosts[0].address}:/root/run/"
    began = time.perf_counter()
    argv = ["rsync", "-rt", "-e", " ".join(_ssh(fleet)), source, f"{into}/"]
    subprocess.run(argv, check=True)
    took = time.perf_counter() - began
    shutil.rmtree(into)
    return took


def _ours(fleet: LoopbackFleet, folder: Path) -> Ours:
    into = folder / "data"
    host = {"ssh": [*_ssh(fleet), "--", f"root@{fleet.hosts[0].address}"], "root": "~"}
    document = folder / "sync.json"
    body = {
        "schema": 1, "job": "sync", "kind": "sync", "run": "bench", "by": "bench", "here": "local",
        "fence": 1, "hosts": {"h1": host},
        "datasets": [{"name": "run", "paths": ["run/**"], "count": "files", "nodes": ["h1"]}],
        "sources": ["h1"], "destination": {"node": "local", "path": str(into)},
    }  # fmt: skip
    document.write_text(json.dumps(body))
    began = time.perf_counter()
    argv = [sys.executable, "-m", "workers.jobs", "sync", "--document", str(document)]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    whole = time.perf_counter() - began
    shutil.rmtree(into)
    found = re.search(r"copied in ([\d.]+) s, verified in ([\d.]+) s", done.stdout)
    if found is None:
        raise RuntimeError(f"the job did not say how long it took: {done.stdout}")
    return Ours(float(found[1]), float(found[2]), whole)
