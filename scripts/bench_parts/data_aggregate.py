"""Merging 1 and 10 million records of three nodes, a fifth of them twice, beside the same by hand in DuckDB.

By hand is one statement: the records are distinct by md5, the members are read out of the JSON, the result is
one Parquet file. It verifies nothing, keeps no broken line aside, and a kill loses all of it. Both run as
processes of their own under the same budget of memory, and take turns in the lead.

QD_BENCH_RECORDS=200000,1000000 sets other numbers of records.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import Synced

from .table import Row, render, seconds, times, verdict

RECORDS = tuple(map(int, os.environ.get("QD_BENCH_RECORDS", "1000000,10000000").split(",")))
NODES = ("gpu-1", "gpu-2", "gpu-3")
MEMORY_BYTES = 1 << 30
TARGET_RATIO = 2.0  # of the time by hand, at most
TURNS = 2  # of up to a million records; more are measured once
_DATASET = "games"
_MEMBERS = {
    "game_id": "VARCHAR", "board_type": "VARCHAR", "num_players": "INTEGER", "winner": "INTEGER",
    "total_moves": "INTEGER", "moves": ["INTEGER"], "worker": "VARCHAR", "start": "DOUBLE",
}  # fmt: skip


class Taken(NamedTuple):
    """One process: elapsed seconds, seconds of CPU, peak memory in bytes, distinct records."""

    elapsed_s: float
    cpu_s: float
    peak_bytes: int
    records: int


def run() -> list[Row]:
    """Measures and cleans up after itself. 10 million records need 6 GB in the temporary directory."""
    return [row for size in RECORDS for row in _measured(size)]


def _measured(size: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as name:
        root = Path(name)
        distinct, volume = _write(root / "D", size)
        turns = TURNS if size <= 1_000_000 else 1
        legs = [_turn(root, number % 2 == 0, distinct) for number in range(turns)]
    ours = min(leg[0] for leg in legs)
    peer = min(leg[1] for leg in legs)
    ratio = ours.elapsed_s / peer.elapsed_s
    what = f"merge {size:,} records, {volume / 1e6:,.0f} MB"
    note = (
        f"{distinct:,} are distinct; {turns} turns each, the fastest counts; CPU {ours.cpu_s:.1f} s and {peer.cpu_s:.1f} s; "
        "by hand: one DISTINCT ON (md5) and COPY to one file; ours also verifies the bytes, keeps provenance and survives kills"
    )
    return [
        Row(
            what, f"{seconds(ours.elapsed_s)}, {size / ours.elapsed_s:,.0f}/s",
            f"{seconds(peer.elapsed_s)} DuckDB by hand", times(ratio), f"≤ {TARGET_RATIO:g} × its time",
            verdict(ratio <= TARGET_RATIO), note,
        ),
        Row(
            "  its peak memory", f"{ours.peak_bytes / 1e6:,.0f} MB",
            f"{peer.peak_bytes / 1e6:,.0f} MB DuckDB by hand", times(ours.peak_bytes / peer.peak_bytes),
            f"≤ {MEMORY_BYTES / 1e6:,.0f} MB", verdict(ours.peak_bytes <= MEMORY_BYTES),
        ),
    ]  # fmt: skip


def _turn(root: Path, first: bool, distinct: int) -> tuple[Taken, Taken]:
    """Ours and by hand; ``first``: ours goes first."""
    found = {}
    for name in ("ours", "peer") if first else ("peer", "ours"):
        shutil.rmtree(root / "out", ignore_errors=True)
        (root / "out").mkdir()
        found[name] = _timed(name, root)
        if found[name].records != distinct:
            raise RuntimeError(f"{name} has {found[name].records} records, {distinct} are distinct")
    return found["ours"], found["peer"]


def _timed(leg: str, root: Path) -> Taken:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.bench_parts.data_aggregate", leg, str(root)]
    )
    _, status, used = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{leg} ended with {process.returncode}")
    return Taken(elapsed, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, _count(root))


def _count(root: Path) -> int:
    from pyarrow.parquet import ParquetFile

    return sum(ParquetFile(path).metadata.num_rows for path in (root / "out").rglob("*.parquet"))


def ours(root: Path) -> None:
    """The job without its lock, in this process."""
    from workers.harness import Worker
    from workers.jobs.aggregate.running import merge
    from workers.jobs.document import parse

    ledger = Path(folder_of(str(root / "D"), _DATASET)) / "aggregated.jsonl"
    ledger.unlink(missing_ok=True)
    body = {
        "schema": 1, "job": "bench", "kind": "aggregate", "run": "bench", "here": "local", "fence": 1,
        "datasets": [{"name": _DATASET, "count": "lines"}], "destination": {"node": "local", "path": str(root / "D")},
        "options": {"store": str(root / "out"), "memory_bytes": MEMORY_BYTES}, "limits": {"space_fraction": 1.0},
    }  # fmt: skip
    merge(Worker("record"), parse(body))


def peer(root: Path) -> None:
    """What somebody who knows DuckDB would write."""
    import duckdb

    connection = duckdb.connect(
        config={
            "memory_limit": f"{MEMORY_BYTES * 3 // 4 >> 20}MiB",  # its allocations alone: the process has more
            "temp_directory": str(root / "out" / "spill"),
            "preserve_insertion_order": "false",
        }
    )
    files = f"{root}/D/{_DATASET}/*/data/*.jsonl"
    connection.execute(
        f"""
        COPY (
            SELECT id, split_part(file, '/', -3) AS node, file, unnest(json_transform(line, '{json.dumps(_MEMBERS)}')), line
            FROM (
                SELECT DISTINCT ON (id) md5(line) AS id, filename AS file, line
                FROM read_csv('{files}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '',
                    header = false, auto_detect = false, filename = true)
            )
        ) TO '{root}/out/all.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 16384)
        """
    )


def _write(root: Path, size: int) -> tuple[int, int]:
    """Three nodes' copies with their manifest: distinct records and bytes. A fifth is on two nodes."""
    shared = size // 10
    entries = []
    for number, node in enumerate(NODES):
        folder = root / _DATASET / node / "data"
        folder.mkdir(parents=True)
        own = (size - 2 * shared) // 3 + ((size - 2 * shared) % 3 if number == 0 else 0)
        ranges = [range(number << 40, (number << 40) + own)]
        if number < 2:
            ranges.insert(number, range(9 << 40, (9 << 40) + shared))
        path = folder / "games.jsonl"
        digest, length = hashlib.blake2b(digest_size=16), 0
        with path.open("wb") as file:
            for block in _blocks(ranges):
                file.write(block)
                digest.update(block)
                length += len(block)
        records = sum(map(len, ranges))
        entries.append(
            Synced(node, f"{node}-key", "data/games.jsonl", length, records, digest.hexdigest(), 1, length, 1.0)
        )  # fmt: skip
    Manifest(folder_of(str(root), _DATASET), "synced").append(entries)
    return size - shared, sum(entry.bytes for entry in entries)


def _blocks(ranges: list[range]) -> Iterator[bytes]:
    """Games of about 250 bytes; a number is always the same game."""
    pick = random.Random(1)
    pool = [json.dumps([pick.randrange(64) for _ in range(40)]).encode() for _ in range(997)]
    for numbers in ranges:
        for start in range(0, len(numbers), 10_000):
            yield b"".join(
                b'{"game_id":"%032x","board_type":"square8","num_players":2,"winner":%d,"total_moves":%d,'
                b'"moves":%s,"worker":"w%d","start":%d.5}\n'
                % (n, n % 2, 50 + n % 11, pool[n * 7919 % 997], n % 40, 1790000000 + n % 100_000)
                for n in numbers[start : start + 10_000]
            )


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in ("ours", "peer"):
        {"ours": ours, "peer": peer}[sys.argv[1]](Path(sys.argv[2]))
    else:
        print(render("Merging", run()))
