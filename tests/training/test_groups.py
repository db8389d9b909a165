"""Shards that must not be learned from are refused by name; the rest is mixed the same way each time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training.games import KEY, played, write
from tests.training.test_positions import moved
from workers.games.loading import load_game
from workers.harness import CorruptData
from workers.records.record import GameRecord
from workers.training import quality
from workers.training.groups import Group, load, order
from workers.training.listing import Listing, look
from workers.training.quality import Tally


def loaded(out: Path) -> Group:
    return load(load_game("reversi", "square8", 2), look([out], KEY, 0.0, Listing()).training)


def without_targets(record: GameRecord) -> GameRecord:
    return record._replace(visits=(), values=())


def test_good_shards_are_mixed(tmp_path: Path) -> None:
    for seed in (1, 2):
        write(tmp_path, played(10, seed), f"w{seed}")
    found = loaded(tmp_path)
    assert (found.tally.games, found.tally.illegal) == (20, 0)
    assert found.tally.coverage == 1.0
    assert len(found.samples) == found.tally.covered


def test_illegal_games_are_refused_and_their_shard_named(tmp_path: Path) -> None:
    good = write(tmp_path, played(30, 1), "good")
    bad = write(tmp_path, [moved(played(1, 2)[0], 3, 0), *played(9, 3)], "bad")
    with pytest.raises(
        CorruptData, match=r"illegal games 2\.50 % .1 of 40., at most 0\.1 %"
    ) as error:
        loaded(tmp_path)
    assert str(bad) in str(error.value)
    assert str(good) not in str(error.value)


def test_too_few_targets_are_refused_and_their_shard_named(tmp_path: Path) -> None:
    good = write(tmp_path, played(30, 1), "good")
    bad = write(tmp_path, [without_targets(record) for record in played(10, 2)], "bad")
    with pytest.raises(
        CorruptData, match=r"policy targets for 7\d\.\d % .* at least 95 %"
    ) as error:
        loaded(tmp_path)
    assert str(bad) in str(error.value)
    assert str(good) not in str(error.value)


@pytest.mark.parametrize("harm", ["flip", "cut", "empty"])
def test_a_shard_that_cannot_be_read_is_not_empty(tmp_path: Path, harm: str) -> None:
    write(tmp_path, played(10, 1), "good")
    bad = write(tmp_path, played(10, 2), "bad")
    body = bytearray(bad.read_bytes())
    body[len(body) // 2] ^= 1
    bad.write_bytes({"flip": bytes(body), "cut": bytes(body[:-9]), "empty": b""}[harm])
    with pytest.raises(CorruptData, match="10 of 20") as error:
        loaded(tmp_path)
    assert str(error.value).count(str(bad)) == 1


def test_a_shard_that_is_gone_is_named(tmp_path: Path) -> None:
    write(tmp_path, played(5, 1), "here")
    there = look([tmp_path], KEY, 0.0, Listing()).training
    gone = there[0]._replace(path=there[0].path.replace("here", "gone"))
    found = load(load_game("reversi", "square8", 2), [*there, gone])
    assert found.missing == (gone.path,)
    assert found.tally.games == 5


def test_the_gates_hold_at_their_limits() -> None:
    assert not Tally(1000, 1, 100, 95).fault
    assert Tally(999, 1, 100, 95).fault
    assert Tally(1000, 0, 1000, 949).fault
    assert not Tally().fault
    assert Tally().coverage is None
    quality.check({}, {})


def test_batches_take_every_sample_and_are_always_full() -> None:
    found = order(10, 4, seed=1)
    assert found.shape == (3, 4)
    assert sorted(found.flatten()[:10].tolist()) == list(range(10))
    assert torch.equal(found, order(10, 4, seed=1))
    assert not torch.equal(found, order(10, 4, seed=2))
    assert order(3, 8, seed=1).shape == (1, 8)
    assert order(0, 8, seed=1).shape[0] == 0
