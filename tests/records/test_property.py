"""Any order of games, seals, faults of the disk, jumps of the clock and deaths: what was taken is there once."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records.games import BOARD, PLAYERS, WORKER, game, seeds_in
from workers.records import Journal, count, recover

CALLS = ("fsync", "write", "rename", "open", "ftruncate", "unlink", "mkdir", "pread")
FAULTS = st.tuples(st.sampled_from(CALLS), st.integers(1, 6), st.sampled_from([errno.ENOSPC, errno.EIO]))  # fmt: skip
ACTS = st.one_of(
    st.sampled_from(["append", "append", "append", "seal", "tick", "close", "die"]),
    st.integers(-(10**6), 10**6),  # seconds the clock jumps
    FAULTS,
)
POLICIES = st.sampled_from(["game", "group:3,60", "none"])
Act = str | int | tuple[str, int, int]


class World:
    """One worker, its journal, and what it was told."""

    def __init__(self, out: Path, fsync: str) -> None:
        self.out = out
        self.now = 1795336995.0
        self.taken: list[int] = []
        self.durable = 0  # of earlier lives
        self._fsync = fsync
        self._next = 0
        self._journal: Journal | None = None

    def act(self, act: str) -> None:
        """Raises OSError."""
        journal = self._open()
        if act == "append":
            self._append(journal)
        elif act == "die":
            self._end(journal)
            journal._claim.let_go()
        elif act == "close":
            self._journal = None
            try:
                journal.close()
            finally:
                self._end(journal)
        else:
            journal.seal() if act == "seal" else journal.tick()
        if act == "seal":
            assert journal.durable == journal.produced

    def finish(self) -> None:
        journal = self._open()
        self._end(journal)
        journal._claim.let_go()

    def _open(self) -> Journal:
        if self._journal is None:
            recover(self.out, clock=lambda: self.now)
            self._journal = Journal(
                self.out, BOARD, PLAYERS, WORKER, self._fsync, 4, clock=lambda: self.now
            )  # fmt: skip
        return self._journal

    def _append(self, journal: Journal) -> None:
        seed, self._next = self._next, self._next + 1
        journal.append(game(seed))
        self.taken.append(seed)

    def _end(self, journal: Journal) -> None:
        assert journal.damaged == 0
        self.durable += journal.durable
        self._journal = None


@contextmanager
def failing(fault: tuple[str, int, int] | None) -> Iterator[None]:
    """The n-th such call fails."""
    if fault is None:
        yield
        return
    name, when, number = fault
    real, calls = getattr(os, name), 0

    def call(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == when:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    with mock.patch.object(os, name, call):
        yield


def run(world: World, acts: list[Act]) -> None:
    fault = None
    for act in acts:
        if isinstance(act, int):
            world.now += act
        elif isinstance(act, tuple):
            fault = act
        else:
            try:
                with failing(fault):
                    world.act(act)
            except OSError:
                assert fault is not None
            fault = None
    world.finish()


def check(acts: list[Act], fsync: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        world = World(out, fsync)
        run(world, acts)
        recover(out)
        assert seeds_in(out) == world.taken
        assert len(world.taken) >= world.durable
        assert (count(out).records, count(out).journals) == (len(world.taken), 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTS, max_size=30), POLICIES)
def test_what_was_taken_is_there_once(acts: list[Act], fsync: str) -> None:
    check(acts, fsync)


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=4000, deadline=None)
@given(st.lists(ACTS, max_size=60), POLICIES)
def test_longer_lives(acts: list[Act], fsync: str) -> None:
    check(acts, fsync)
