"""The kept history: rates survive a restart, and no fault of its file is a fault of anything else."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.fleet.events import ClockTicked, DatasetsArrived, HeartbeatArrived, LinkUp, NodeAdded
from console.fleet.model import NodeSpec
from console.fleet.store import FleetStore
from console.operations import history_cache
from console.operations.bulletin import BulletinBoard
from console.operations.history_cache import HistoryCache
from tests.protocol.examples import EXAMPLES
from tests.runtimes import runtime_of, settings_file, until, up
from workers.protocol import DatasetCount, DatasetReport, Heartbeat, Hello

HELLO = next(example for example in EXAMPLES if isinstance(example, Hello))
HOUR_S = 3600.0
START = 1_790_000_000.0
KEEP_S = 2 * 86_400.0


class Console:
    """One life of a console: a store with one node, and the cache."""

    def __init__(self, path: Path, clock: float) -> None:
        self.store = FleetStore()
        self.board = BulletinBoard(time.time)
        self.cache = HistoryCache(path, self.board)
        self.started = clock
        self.store.apply(NodeAdded("gpu-1", 0.0, NodeSpec("gpu-1")))
        self.store.apply(ClockTicked(0.0, clock))
        self.store.apply(LinkUp("gpu-1", 0.0, HELLO, clock))
        self.cache.restore("gpu-1", HELLO.node_key, self.store)

    def count(self, after_s: float, records: int) -> None:
        at, clock = after_s, self.started + after_s
        self.store.apply(HeartbeatArrived("gpu-1", at, Heartbeat(1, clock, at), clock))
        report = DatasetReport(clock, (DatasetCount("games", 1, records, 10 * records),))
        self.store.apply(DatasetsArrived("gpu-1", at, report))

    async def end(self) -> None:
        self.cache.save(self.store, KEEP_S, self.store.clock)
        await self.cache.close()

    def rate(self) -> float | None:
        return self.store.history("gpu-1").dataset_rate("games", HOUR_S)

    @property
    def said(self) -> str:
        return "\n".join(bulletin.text for bulletin in self.board.recent)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "console" / "history.sqlite"


async def first_life(path: Path) -> None:
    """Two hours of 1,000 records an hour."""
    console = Console(path, START)
    for minute in range(0, 121, 5):
        console.count(minute * 60.0, minute * 1000 // 60)
    assert console.rate() == pytest.approx(1000, rel=0.05)
    await console.end()
    assert console.said == ""


async def works_again(path: Path) -> None:
    """A life whose history is kept for the next."""
    await first_life(path)
    later = Console(path, START + 2 * HOUR_S)
    await until(lambda: later.store.history("gpu-1").export_points())
    await later.end()
    assert later.said == ""


async def test_rates_survive_a_restart(path: Path) -> None:
    old = os.umask(0)
    try:
        await first_life(path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    console = Console(path, START + 2 * HOUR_S + 60)
    assert console.rate() is None
    console.count(0.0, 2017)
    await until(lambda: console.rate() is not None)
    assert console.rate() == pytest.approx(1000, rel=0.1)
    await console.end()


async def test_it_is_kept_by_machine_and_name(path: Path) -> None:
    await first_life(path)
    cache = HistoryCache(path, BulletinBoard(time.time))
    assert cache.read(f"gpu-1@{HELLO.node_key}")
    assert cache.read("gpu-1@another machine") == []
    assert cache.read(f"gpu-2@{HELLO.node_key}") == []
    await cache.close()


async def test_what_is_too_old_goes(path: Path) -> None:
    await first_life(path)
    late = Console(path, START + KEEP_S + HOUR_S)
    await until(lambda: late.store.history("gpu-1").export_points())
    await late.end()
    kept = HistoryCache(path, BulletinBoard(time.time)).read(f"gpu-1@{HELLO.node_key}")
    assert kept
    assert min(point.clock for point in kept) >= START + HOUR_S


@pytest.mark.parametrize(
    "garbage",
    [b"", b"not a database at all" * 100, b"SQLite format 3\0" + bytes(5000), os.urandom(20_000)],
    ids=["empty", "text", "header", "noise"],
)
async def test_a_corrupt_file_is_made_anew(path: Path, garbage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(garbage)
    console = Console(path, START)
    console.count(0.0, 1)
    await console.end()
    assert ("made anew" in console.said) == bool(garbage)
    await works_again(path)


async def test_a_file_damaged_in_the_middle(path: Path) -> None:
    await first_life(path)
    data = bytearray(path.read_bytes())
    data[100:-100] = os.urandom(len(data) - 200)
    path.write_bytes(data)
    console = Console(path, START + 2 * HOUR_S)
    console.count(0.0, 1)
    await console.end()
    assert "made anew" in console.said
    await works_again(path)


@pytest.mark.parametrize(
    "change",
    ["pragma user_version = 99", "drop table points; create table points (other text)"],
    ids=["another version", "another shape"],
)
async def test_a_file_of_another_program_version_is_made_anew(path: Path, change: str) -> None:
    await first_life(path)
    database = sqlite3.connect(path)
    database.executescript(change)
    database.close()
    console = Console(path, START + 2 * HOUR_S)
    console.count(0.0, 1)
    await console.end()
    assert console.said
    await works_again(path)


async def test_nonsense_in_good_rows_is_left_out(path: Path) -> None:
    await first_life(path)
    database = sqlite3.connect(path)
    for series, clock, value in (
        ("dataset", 9e99, 1.0),
        ("dataset", START, -5.0),
        ("odd", START, 1.0),
    ):
        row = (f"gpu-1@{HELLO.node_key}", series, "games", clock, value, 0.0)
        database.execute("insert or replace into points values (?, ?, ?, ?, ?, ?)", row)
    database.execute(
        "insert into points values (?, 'dataset', 'x', 'words', 'words', x'ff')",
        (f"gpu-1@{HELLO.node_key}",),
    )
    database.commit()
    database.close()
    console = Console(path, START + 2 * HOUR_S)
    console.count(0.0, 2000)
    await console.end()
    assert console.store.nodes["gpu-1"].datasets is not None


async def test_a_locked_file_is_done_without_until_it_is_free(path: Path) -> None:
    await first_life(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin exclusive")
    console = Console(path, START + 2 * HOUR_S)
    console.count(0.0, 2000)
    await until(lambda: "in use by another program" in console.said)
    assert console.store.nodes["gpu-1"].datasets is not None
    other.execute("rollback")
    other.close()
    await console.end()
    kept = HistoryCache(path, BulletinBoard(time.time)).read(f"gpu-1@{HELLO.node_key}")
    assert max(point.clock for point in kept) == START + 2 * HOUR_S
    assert len(console.board.recent) == 1


@pytest.mark.parametrize("obstacle", ["a folder in its place", "a file for its folder", "a link"])
async def test_a_place_that_cannot_be_used_is_said_once(path: Path, obstacle: str) -> None:
    victim = path.parent.parent / "victim"
    if obstacle == "a file for its folder":
        path.parent.write_text("")
    else:
        path.parent.mkdir()
    if obstacle == "a folder in its place":
        path.mkdir()
    if obstacle == "a link":
        victim.write_text("mine")
        path.symlink_to(victim)
    console = Console(path, START)
    for number in range(3):
        console.count(float(number), number)
        console.cache.save(console.store, KEEP_S, console.store.clock)
    await console.end()
    assert len(console.board.recent) == 1
    assert "cannot be used" in console.said
    if obstacle == "a link":
        assert victim.read_text() == "mine"


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    place = tmp_path / "small"
    place.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this container may not mount")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"x" * 4096)


@pytest.mark.root
async def test_a_full_disk_costs_the_history_and_nothing_else(full_disk: Path) -> None:
    path = full_disk / "console" / "history.sqlite"
    await first_life(path)
    filler = full_disk / "filler"
    fill(filler)
    console = Console(path, START + 2 * HOUR_S)
    for minute in range(0, 700, 1):
        console.count(minute * 60.0, 2000 + minute)
    await console.end()
    assert "full" in console.said
    assert console.store.nodes["gpu-1"].datasets is not None
    filler.unlink()
    await works_again(path)


async def test_the_console_goes_on_with_a_corrupt_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("console.runtime.KEEP_HISTORY_EVERY_S", 0.1)
    settings_file(tmp_path, "datasets: [{name: g, paths: g/*.jsonl}]\n")
    file = tmp_path / ".local" / "state" / "quarterdeck" / "console" / "history.sqlite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"garbage" * 1000)
    async with runtime_of(tmp_path) as runtime:
        await up(runtime)
        await until(lambda: any("made anew" in b.text for b in runtime.board.recent))
        file.write_bytes(b"garbage" * 1000)
        await until(lambda: runtime.store.nodes["local"].datasets)
        assert runtime.store.nodes["local"].state == "up"
    assert history_cache.VERSION
