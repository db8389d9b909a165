"""What was followed is kept here: a dead node's last lines can still be read, and it never grows too large."""

from __future__ import annotations

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import pytest

from console.operations import log_cache
from console.operations.log_cache import LogCache, sweep
from console.operations.log_ring import LogRing
from tests.logs.test_sessions import FOLLOWED, run_at
from tests.logs.world import RUN_ID, append, bytes_of
from tests.runtimes import runtime_of, until
from workers.protocol import ERR, FILE, OUT, LogChunk

MIB = 1024 * 1024


def chunk(offset: int, data: bytes, attempt: int = 1, which: int = OUT) -> LogChunk:
    return LogChunk(attempt, which, offset, 12.5, data)


def cache_in(folder: Path, most_bytes: int = 1 << 31) -> tuple[LogCache, list[str]]:
    complaints: list[str] = []
    return LogCache(folder, lambda: most_bytes, complaints.append), complaints


async def test_what_was_followed_is_read_again_when_the_node_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another life of the console, which never saw the node."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    run = run_at(tmp_path)
    append(run.paths.attempt(1).log("out"), b"its last words\n")
    append(run.paths.attempt(1).log("err"), b"and why\n")
    async with runtime_of(tmp_path) as runtime:
        await until(lambda: runtime.store.nodes["local"].state == "up")
        size = 0
        async with aclosing(runtime.logs.tail("local", FOLLOWED)) as items:
            async for item in items:
                size += len(item.data) if isinstance(item, LogChunk) else 0
                if size == 23:
                    break
    cache, _ = cache_in(tmp_path / ".local" / "state" / "quarterdeck" / "console" / "logs")
    seen = await cache.last_seen("local", RUN_ID)
    assert seen is not None
    assert bytes_of(list(seen.items), OUT) == b"its last words\n"
    assert bytes_of(list(seen.items), ERR) == b"and why\n"
    assert seen.clock > 1e9
    assert await cache.last_seen("another", RUN_ID) is None
    await cache.close()


async def test_each_byte_is_kept_once_and_the_newest_are_given(tmp_path: Path) -> None:
    cache, complaints = cache_in(tmp_path)
    for _ in range(2):  # two views of one log
        for number in range(20):
            cache.keep("n", "r", chunk(number * 100_000, b"%06d" % number + b"x" * 99_994))
    seen = await cache.last_seen("n", "r")
    assert seen is not None
    data = bytes_of(list(seen.items))
    assert data.endswith(b"000019" + b"x" * 99_994)
    assert MIB - 100_000 <= len(data) <= MIB
    offsets = [item.offset for item in seen.items if isinstance(item, LogChunk)]
    assert offsets == sorted(set(offsets))
    assert not complaints
    await cache.close()


@pytest.mark.parametrize(
    "name",
    ["../../../../tmp/x", "a/b", "\udcff", "n" * 5000, ""],
    ids=["up", "slash", "surrogate", "long", "empty"],
)
async def test_names_never_form_a_path(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep" / "cache"
    cache, complaints = cache_in(folder)
    cache.keep(name, name, chunk(0, b"x"))
    assert await cache.last_seen(name, name) is not None
    await cache.close()
    assert not complaints
    assert os.listdir(tmp_path) == ["deep"]
    assert os.listdir(tmp_path / "deep") == ["cache"]
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_the_logs_that_grew_longest_ago_give_way(tmp_path: Path) -> None:
    cache, _ = cache_in(tmp_path)
    for number in range(5):
        cache.keep("n", f"run{number}", chunk(0, os.urandom(1000)))
    await cache.close()
    for number in range(5):
        path = cache._place("n", f"run{number}") / "new"
        os.utime(path, (1000.0 + number, 1000.0 + number))
    sweep(tmp_path, 2500)
    left = [number for number in range(5) if cache._place("n", f"run{number}").exists()]
    assert left == [3, 4]


async def test_one_log_stays_small_however_long_it_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.operations.log_ring.HALF_BYTES", 200_000)
    ring = LogRing(tmp_path / "ring")
    for number in range(100):
        ring.append([chunk(number * 10_000, b"%04d" % number * 2_500)])
    assert sum(path.stat().st_size for path in (tmp_path / "ring").iterdir()) < 450_000
    chunks, _ = ring.read(50_000)
    assert b"".join(found.data for found in chunks) == b"".join(
        b"%04d" % number * 2_500 for number in range(95, 100)
    )


@pytest.mark.parametrize("damage", ["torn", "garbage", "a directory", "a link"])
async def test_a_damaged_file_costs_what_it_held_and_nothing_else(
    tmp_path: Path, damage: str
) -> None:
    first, _ = cache_in(tmp_path / "c")
    first.keep("n", "r", chunk(0, b"one\n"))
    await first.close()
    file = first._place("n", "r") / "new"
    if damage == "torn":
        append(file, file.read_bytes()[:20])
    elif damage == "garbage":
        file.write_bytes(os.urandom(5000))
    elif damage == "a directory":
        file.unlink()
        file.mkdir()
    else:
        file.unlink()
        (tmp_path / "precious").write_bytes(b"")
        file.symlink_to(tmp_path / "precious")
    again, complaints = cache_in(tmp_path / "c")
    again.keep("n", "r", chunk(4, b"two\n"))
    seen = await again.last_seen("n", "r")
    await again.close()
    if damage == "torn":
        assert seen is not None
        assert bytes_of(list(seen.items)) == b"one\ntwo\n"
    elif damage == "garbage":
        assert seen is not None
        assert bytes_of(list(seen.items)) == b"two\n"
    else:
        assert complaints
        assert seen is None
    if damage == "a link":
        assert (tmp_path / "precious").read_bytes() == b""


async def test_a_flood_costs_no_memory_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_cache, "FLUSH_S", 3600.0)
    cache, _ = cache_in(tmp_path)
    for number in range(1000):
        cache.keep("n", "r", chunk(number * 50_000, bytes(50_000)))
    assert sum(log.bytes for log in cache._logs.values()) <= MIB
    cache.keep("n", "file /x", chunk(0, bytes(5 * MIB), 77, FILE))
    assert sum(log.bytes for log in cache._logs.values()) <= 2 * MIB
    await asyncio.wait_for(cache.close(), 10)
