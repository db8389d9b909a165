"""The shards that are mixed: read, replayed, and refused where they must not be learned from."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch

from workers.games.game import TensorGame
from workers.harness import CorruptData
from workers.records.consolidated import is_group, read_group
from workers.records.record import GameRecord
from workers.records.shard import read_shard
from workers.training import quality
from workers.training.listing import Entry
from workers.training.positions import Replayed, Samples, replay
from workers.training.quality import Tally


class Group(NamedTuple):
    """``missing``: shards that are gone since the epoch was planned."""

    samples: Samples
    tally: Tally
    missing: tuple[str, ...]


def load(game: TensorGame, shards: Sequence[Entry]) -> Group:
    """Raises CorruptData where the gates of ``quality`` refuse, Misconfigured without zstd or pyarrow, OSError."""
    records: list[GameRecord] = []
    sizes: list[int] = []
    unreadable: dict[str, str] = {}
    missing: list[str] = []
    for shard in shards:
        before = len(records)
        try:
            records.extend(_read(shard.path, game.key))
        except FileNotFoundError:
            missing.append(shard.path)
        except CorruptData as error:
            del records[before:]
            unreadable[shard.path] = str(error)
        sizes.append(len(records) - before)
    found = replay(game, records)
    tallies = _tallies(shards, sizes, found, unreadable)
    quality.check(tallies, unreadable)
    return Group(found.samples, quality.total(tallies.values()), tuple(missing))


def _read(path: str, key: str) -> Iterator[GameRecord]:
    return read_group(path, key) if is_group(path) else read_shard(path)


def _tallies(
    shards: Sequence[Entry], sizes: Sequence[int], found: Replayed, unreadable: dict[str, str]
) -> dict[str, Tally]:
    """By path. All games of a shard that cannot be read count as illegal."""
    tallies, at = {}, 0
    for shard, size in zip(shards, sizes, strict=True):
        mine = slice(at, at + size)
        at += size
        if shard.path in unreadable:
            tallies[shard.path] = Tally(shard.games, shard.games)
        else:
            counted = (sum(part[mine]) for part in (found.illegal, found.owed, found.covered))
            tallies[shard.path] = Tally(size, *counted)
    return tallies


def order(samples: int, batch_size: int, seed: int) -> torch.Tensor:
    """Which samples each batch takes, int64 [batches, batch_size]; the last batch is filled up from the
    beginning, so that few samples make a batch too."""
    shuffled = torch.randperm(samples, generator=torch.Generator().manual_seed(seed))
    batches = -(-samples // batch_size)
    return shuffled[torch.arange(batches * batch_size) % samples].reshape(batches, batch_size)
