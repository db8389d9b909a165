"""A full disk and a power cut: no manifest, nothing half; the next run finishes."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs_aggregate.world import World, lines_of, text_of
from tests.supervisor_state.disks import ext4, power_cut, tmpfs
from workers.jobs.errors import NoRoom

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with tmpfs(tmp_path / "disk", "size=4m") as folder:
        chance = random.Random(1)
        found = World(tmp_path / "D")
        records = [b'{"n": %d, "x": "%s"}' % (n, chance.randbytes(300).hex().encode()) for n in range(6000)]  # fmt: skip
        found.copy("a", "x.jsonl", text_of(records))
        found.store = folder / "store"
        found.options = {"store": str(found.store)}
        yield found


@pytest.mark.parametrize("left", [2_000_000, 200_000, 4096], ids=["parts", "skips", "keys"])
def test_full(world: World, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.jobs.aggregate.running.no_room", lambda *_: "")
    ballast = world.store.parent / "ballast"
    ballast.write_bytes(b"x" * ((4 << 20) - left))
    with pytest.raises(OSError, match="No space left") as caught:
        world.merge()
    assert caught.value.errno == errno.ENOSPC
    assert world.entries() == []
    ballast.unlink()
    (entry,) = world.merge()
    assert (entry.new, entry.generation) == (6000, 1)


def test_too_little_room_is_seen_before(world: World) -> None:
    with pytest.raises(NoRoom, match="space_fraction"):
        world.merge(limits={"space_fraction": 0.01})
    assert not world.store.exists()


def test_a_power_cut(tmp_path: Path) -> None:
    with ext4(tmp_path / "disk") as folder:
        world = World(folder / "D")
        world.copy("a", "x.jsonl", text_of(lines_of(1, 2)))
        world.copy("b", "x.jsonl", text_of([*lines_of(2, 3), b"no record"]))
        os.sync()
        (first, second) = world.merge()
        power_cut(folder)
        world.check()
        assert world.entries() == [first, second]
        assert sorted(world.lines()) == sorted(lines_of(1, 2, 3))
        assert [each["text"] for each in world.rejected()] == ["no record"]
