"""What other tools read is what was played."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.records.games import BOARD, PLAYERS, game
from workers.harness.errors import CorruptData, Misconfigured
from workers.records import GameRecord, Journal, decode_visits
from workers.records.export import export

GAMES = [
    *(game(seed, "w") for seed in range(5)),
    game(7, "w")._replace(visits=(), values=(), seed=2**64 - 1, winners=(0, 1)),
]


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    journal = Journal(tmp_path / "out", BOARD, PLAYERS, "w", seal_games=4)
    for record in GAMES:
        journal.append(record)
    journal.close()
    return journal.shards


def unfolded(record: GameRecord) -> list[list[tuple[int, int]] | None]:
    return [None if text is None else decode_visits(text) for text in record.visits]


def test_parquet(shards: list[Path], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert export(shards, tmp_path / "games.parquet") == len(GAMES)
    rows = parquet.read_table(tmp_path / "games.parquet").to_pylist()
    for row, record in zip(rows, GAMES, strict=True):
        visits = [
            None if actions is None else list(zip(actions, weights, strict=True))
            for actions, weights in zip(row["visit_actions"], row["visit_weights"], strict=True)
        ]
        assert visits == unfolded(record)
        assert [value and tuple(value) for value in row["values"]] == list(record.values)
        for name in set(GameRecord._fields) - {"visits", "values"}:
            found = row[name]
            assert (tuple(found) if type(found) is list else found) == getattr(record, name)


def test_npz(shards: list[Path], tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    assert export(shards, tmp_path / "games.npz") == len(GAMES)
    with numpy.load(tmp_path / "games.npz") as file:  # and no pickle
        found = dict(file)
    for number, record in enumerate(GAMES):
        first, last = found["moves_at"][number : number + 2]
        assert tuple(found["moves"][first:last]) == record.moves
        start, end = found["seats_at"][number : number + 2]
        assert tuple(found["scores"][start:end]) == record.scores
        assert tuple(numpy.flatnonzero(found["winners"][start:end])) == record.winners
        for move, pairs in enumerate(unfolded(record), first):
            span = slice(*found["visits_at"][move : move + 2])
            both = zip(found["visit_actions"][span], found["visit_weights"][span], strict=True)
            assert list(both) == (pairs or [])
        for move, value in enumerate(record.values, first):
            assert numpy.isnan(found["values"][move]).all() if value is None else tuple(found["values"][move]) == value  # fmt: skip
        for name in ("id", "game", "worker", "termination", "seed", "plies", "start"):
            assert found[name][number] == getattr(record, name)


@pytest.mark.parametrize("name", ["games.parquet", "games.npz"])
def test_no_games_are_a_file_too(tmp_path: Path, name: str) -> None:
    pytest.importorskip("pyarrow")
    assert export([], tmp_path / name) == 0
    assert (tmp_path / name).stat().st_size > 0


@pytest.mark.parametrize("name", ["games.parquet", "games.npz"])
def test_a_fault_leaves_nothing_half(shards: list[Path], tmp_path: Path, name: str) -> None:
    pytest.importorskip("pyarrow")
    target = tmp_path / "to" / name
    target.parent.mkdir()
    target.write_text("the last export")
    shards[1].write_bytes(shards[1].read_bytes()[:-3])
    with pytest.raises(CorruptData):
        export(shards, target)
    assert [path.read_text() for path in target.parent.iterdir()] == ["the last export"]


def test_what_cannot_be_is_refused(
    shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Misconfigured, match=r"\.parquet or \.npz"):
        export(shards, tmp_path / "games.csv")
    other = tmp_path / "other.jsonl"
    other.write_text('{"x": 1}\n')
    with pytest.raises(Misconfigured, match="another program"):
        export([other], tmp_path / "games.npz")
    for name, package in (("games.parquet", "pyarrow"), ("games.npz", "numpy")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(Misconfigured, match=f"needs the package {package}"):
            export(shards, tmp_path / name)
