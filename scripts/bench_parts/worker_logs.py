"""Logs: a line's way from the node to the screen, the bulk of a tail beside `ssh cat`, a huge log's end."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import time
from pathlib import Path

from scripts.bench_parts.launch import home, quarterdeck
from scripts.bench_parts.table import Row, seconds, times, verdict
from scripts.bench_parts.worker_fleet import opened, start, until
from tests.e2e.conftest import clean_environment
from tests.loopback import LoopbackFleet, unavailable
from tests.terminal import Terminal
from workers.protocol import LogChunk, OpenTail

BULK_BYTES = 200_000_000
LINES = 150
HUGE_BYTES = 10 * 1024**3
# Each line says when it was written; hosts of the fleet share this machine's clock.
_CLOCK = (
    "import time\nwhile True:\n print('stamp %.6f end' % time.time(), flush=True)\n time.sleep(0.1)"
)
_BULK = f"yes 'a line of a log that is as long as lines of logs are, with a number 0123456789' | head -c {BULK_BYTES}"


def run() -> list[Row]:
    reason = unavailable()
    if reason:
        return [Row("logs over SSH", verdict="skipped", note=reason)]
    with LoopbackFleet(1) as fleet, home() as folder:
        rows = [asyncio.run(_bulk(fleet, folder))]
        rows.append(asyncio.run(_huge(fleet, folder)))
        rows.append(_screen(fleet, folder))
    return rows


# ------------------------------------------------------------ bulk


async def _bulk(fleet: LoopbackFleet, folder: Path) -> Row:
    async with opened(folder, fleet.settings) as runtime:
        node = next(iter(runtime.store.nodes))
        (run_id,) = await start(runtime, "bulk", "sh", "-c", _BULK)
        await until(lambda: not any(view.live for view in runtime.store.workers()))
        ours = [await _read_all(runtime.sessions[node], run_id) for _ in range(3)]
        log = next(fleet.hosts[0].home.rglob(f"{run_id}/attempt-0001/out.log"))
        inside = f"/root/{log.relative_to(fleet.hosts[0].home)}"
        peer = [await asyncio.to_thread(_ssh_cat, fleet, inside) for _ in range(3)]
    own, cat = BULK_BYTES / min(ours) / 1e6, BULK_BYTES / min(peer) / 1e6
    return Row(
        "bulk tail of a finished log over SSH", f"{own:.0f} MB/s", f"{cat:.0f} MB/s ssh cat",
        times(own / cat), "≥ 0.5 ×", verdict(own >= 0.5 * cat), "the best of three each",
    )  # fmt: skip


async def _read_all(session: object, run_id: str) -> float:
    began, total = time.perf_counter(), 0
    ask = OpenTail(run_id, streams="out", follow=False, back_bytes=-1)
    async for piece in session.tail(ask):  # type: ignore[attr-defined]
        if isinstance(piece, LogChunk):
            total += len(piece.data)
    if total != BULK_BYTES:
        raise RuntimeError(f"{total} bytes came, {BULK_BYTES} were written")
    return time.perf_counter() - began


def _ssh(fleet: LoopbackFleet) -> list[str]:
    return [
        "ssh", "-F", "/dev/null", "-i", str(fleet.key), "-o", f"UserKnownHostsFile={fleet.known_hosts}",
        "-o", "BatchMode=yes", f"root@{fleet.hosts[0].address}",
    ]  # fmt: skip


def _ssh_cat(fleet: LoopbackFleet, path: str) -> float:
    began = time.perf_counter()
    with subprocess.Popen([*_ssh(fleet), "cat", path], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        while cat.stdout.read(1 << 18):
            pass
    return time.perf_counter() - began


# ------------------------------------------------------------ the end of a huge log


async def _huge(fleet: LoopbackFleet, folder: Path) -> Row:
    path = fleet.hosts[0].home / "huge.log"
    with path.open("wb") as file:
        file.truncate(HUGE_BYTES)  # sparse: what stands before its end is never read
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + b"the last lines\n" * 5000)
    async with opened(folder, fleet.settings) as runtime:
        session = runtime.sessions[next(iter(runtime.store.nodes))]
        found = [await _last_lines(session) for _ in range(5)]
    peer = [await asyncio.to_thread(_ssh_tail, fleet) for _ in range(3)]
    own, tail = statistics.median(found), statistics.median(peer)
    return Row(
        "a log of 10 GiB opens at its end", seconds(own), f"{seconds(tail)} ssh tail -c",
        times(own / tail), note="ours on the connection that stands, ssh makes its own",
    )  # fmt: skip


def _ssh_tail(fleet: LoopbackFleet) -> float:
    began = time.perf_counter()
    argv = [*_ssh(fleet), "tail", "-c", "65536", "/root/huge.log"]
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


async def _last_lines(session: object) -> float:
    """Until all of the last 64 KiB stand here."""
    began, total = time.perf_counter(), 0
    pieces = session.tail(OpenTail(path="/root/huge.log"))  # type: ignore[attr-defined]
    async for piece in pieces:
        total += len(piece.data) if isinstance(piece, LogChunk) else 0
        if total >= 65_000:
            break
    await pieces.aclose()
    return time.perf_counter() - began


# ------------------------------------------------------------ to the screen


def _screen(fleet: LoopbackFleet, folder: Path) -> Row:
    """The console in a real terminal with the Logs screen open: a line's age when it stands there."""

    async def begin() -> None:
        async with opened(folder, fleet.settings) as runtime:
            await start(runtime, "clock", "python3", "-c", _CLOCK)
            await asyncio.to_thread(watch)

    ages: list[float] = []

    def watch() -> None:
        argv = quarterdeck("--config", str(fleet.settings))
        with Terminal(argv, 160, 45, clean_environment(folder)) as terminal:
            terminal.wait_for("1/1", 30)
            terminal.send("2")
            terminal.wait_for("1 alive", 30)
            terminal.send("l")
            terminal.wait_for("stamp", 30)
            newest = 0.0
            while len(ages) < LINES:
                terminal.pump(0.02)
                now = time.time()
                found = re.findall(r"stamp (\d+\.\d+) end", terminal.text)
                last = max(map(float, found), default=0.0)
                if last > newest:
                    newest = last
                    ages.append(now - last)

    asyncio.run(begin())
    settled = sorted(ages[20:])
    middle, high = statistics.median(settled), settled[int(len(settled) * 0.95)]
    return Row(
        "a log line on an SSH node → on the screen", f"p50 {seconds(middle)}, p95 {seconds(high)}",
        target="p95 ≤ 300 ms", verdict=verdict(high <= 0.3),
        note="ten lines a second, read back from the terminal's own screen",
    )  # fmt: skip
