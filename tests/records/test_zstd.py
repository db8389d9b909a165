"""Each of the three ways to zstd reads what the others wrote; without any, it is said at once."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.games import BOARD, PLAYERS, game, seeds_in
from workers.harness.errors import CorruptData, Misconfigured
from workers.records import Journal, zstd

WAYS = {"zstandard": "zstandard", "standard": "compression.zstd", "program": None}


def has(way: str) -> bool:
    if way == "program":
        return shutil.which("zstd") is not None
    try:
        importlib.import_module(WAYS[way] or "")
    except ImportError:
        return False
    return True


def use(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """That way alone."""
    if not has(way):
        pytest.skip(f"no {way} here")
    real = importlib.import_module

    def only(name: str) -> object:
        if name in WAYS.values() and name != WAYS[way]:
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(zstd.importlib, "import_module", only)
    if way != "program":
        monkeypatch.setattr(zstd.shutil, "which", lambda name: None)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    use(monkeypatch, request.param)
    return str(request.param)


@given(st.lists(st.binary(max_size=300)))
def test_data_comes_back(pieces: list[bytes]) -> None:
    assert b"".join(zstd.decompressed(zstd.compressed(pieces))) == b"".join(pieces)


def test_all_ways_read_all(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, BOARD, PLAYERS, "w")
    for seed in range(3):
        journal.append(game(seed))
    journal.close()
    for reader in filter(has, WAYS):
        monkeypatch.undo()
        use(monkeypatch, reader)
        assert seeds_in(tmp_path) == [0, 1, 2]


def test_several_frames(way: str) -> None:
    frames = [b"".join(zstd.compressed([text])) for text in (b"one", b"", b"two")]
    assert b"".join(zstd.decompressed(frames)) == b"onetwo"
    assert b"".join(zstd.decompressed([b"".join(frames)])) == b"onetwo"


def test_torn_and_corrupt_data(way: str) -> None:
    whole = b"".join(zstd.compressed([bytes(range(256)) * 500]))
    for data in (whole[:-1], whole[:20], whole[:-1] + b"x", b"no zstd at all", whole + b"trailer"):
        with pytest.raises(CorruptData):
            list(zstd.decompressed([data]))


def test_a_source_that_fails_is_heard(way: str) -> None:
    def source() -> Iterator[bytes]:
        yield b"x" * 1000
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        list(zstd.compressed(source()))


def test_a_reader_that_stops_leaves_nothing_behind(way: str) -> None:
    stream = zstd.decompressed(zstd.compressed([bytes(100)] * 100_000))
    next(stream)
    stream.close()  # type: ignore[attr-defined]


def test_without_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(zstd.importlib, "import_module", nothing)
    monkeypatch.setattr(zstd.shutil, "which", lambda name: None)
    with pytest.raises(Misconfigured, match="zstandard"):
        Journal(tmp_path, BOARD, PLAYERS, "w")
    with pytest.raises(Misconfigured, match="zstandard"):
        list(zstd.compressed([b""]))
    with pytest.raises(Misconfigured, match="zstandard"):
        list(zstd.decompressed([b""]))
