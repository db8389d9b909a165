"""Counting a million games by the names of their shards."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from scripts.bench_parts.table import Row, seconds, verdict
from workers.records import count

GAMES, SHARDS, DAYS = 1_000_000, 2_000, 4
LIMIT_S = 0.010
_TIMES = 9


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder))
        taken = []
        for _ in range(_TIMES):
            began = time.perf_counter()
            found = count(folder)
            taken.append(time.perf_counter() - began)
        if found.records != GAMES:
            raise AssertionError(f"counted {found.records} of {GAMES} games")
    middle = statistics.median(taken)
    return [
        Row(
            f"counting {GAMES:,} games in {SHARDS:,} shards",
            seconds(middle) if middle >= 0.1 else f"{middle * 1000:.1f} ms",
            target=f"≤ {LIMIT_S * 1000:.0f} ms",
            verdict=verdict(middle <= LIMIT_S),
            note=f"median of {_TIMES}, names in memory; every shard is looked at for its size",
        )
    ]


def _fill(folder: Path) -> None:
    """Shards with names that count and a byte each."""
    each = GAMES // SHARDS
    writer = "00000000-0000-4000-8000-000000000000"
    (folder / "square8_2p" / "open").mkdir(parents=True)
    for number in range(SHARDS):
        day = folder / "square8_2p" / f"202601{number % DAYS + 1:02d}"
        day.mkdir(exist_ok=True)
        name = f"{writer}-{number + 1}-n{each:06d}-{number:016x}.jsonl.zst"
        (day / name).write_bytes(b"x")
