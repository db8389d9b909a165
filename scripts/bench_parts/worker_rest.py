"""What supervised workers cost while nothing happens: memory of a pair, CPU of 200 of them and of the agent."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from scripts.bench_parts.launch import home
from scripts.bench_parts.table import Row
from scripts.bench_parts.worker_fleet import opened, start

WORKERS = 200
WATCHED_S = 20.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MIB = 1024.0 * 1024.0


def run() -> list[Row]:
    with home() as folder:
        return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> list[Row]:
    async with opened(folder) as runtime:
        began = time.perf_counter()
        await start(runtime, "rest", "sleep", "900", copies=WORKERS)
        started_s = time.perf_counter() - began
        await asyncio.sleep(5)
        pairs, agent = _supervisors(), _agent()
        before = _cpu_s(pairs), _cpu_s(agent)
        await asyncio.sleep(WATCHED_S)
        after = _cpu_s(pairs), _cpu_s(agent)
        each = [sum(_memory(pid, kind) for pid in pairs) / WORKERS / MIB for kind in _KINDS]
        shares = [100.0 * (b - a) / WATCHED_S for a, b in zip(before, after, strict=True)]
    return [
        Row(f"starting {WORKERS} workers on one node", f"{WORKERS / started_s:.0f} a second"),
        Row("memory of one supervised worker's pair (PSS)", f"{each[0]:.2f} MiB", target="≤ 4 MiB",
            verdict="met" if each[0] <= 4 else "MISSED", note="2 MiB each of two processes"),
        Row("  of it private", f"{each[1]:.2f} MiB"),
        Row(f"{WORKERS} workers at rest: CPU of all {len(pairs)} supervisors", f"{shares[0]:.2f} %"),
        Row(f"{WORKERS} workers at rest: CPU of the agent", f"{shares[1]:.2f} %",
            note="of one core; samples, heartbeats and the report of all workers included"),
    ]  # fmt: skip


_KINDS = ("Pss", "Private_Dirty")


def _named(word: bytes) -> list[int]:
    """Our own processes with this in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _supervisors() -> list[int]:
    return _named(b"quarterdeck-supervisor")


def _agent() -> list[int]:
    mine = set(_named(b"-X\0utf8\0-c"))
    return sorted(mine - set(_supervisors()))


def _cpu_s(pids: list[int]) -> float:
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS_PER_S


def _memory(pid: int, kind: str) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(text.split(f"\n{kind}:")[1].split()[0]) * 1024
