"""Which shards there are: for training, held out, and how many games ever came."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from workers.records.consolidated import games_of, is_store
from workers.records.shards import list_shards
from workers.training.window import Window


class Entry(NamedTuple):
    """A sealed shard, or a row group of a consolidated store. ``sequence`` is the time at which it was sealed,
    or at which its newest game began, in seconds since 1970."""

    path: str
    games: int
    digest: str
    sequence: int


class Listing(NamedTuple):
    """Oldest first. ``seen`` is the games for training that ever came, pruned ones too."""

    training: tuple[Entry, ...] = ()
    held_out: tuple[Entry, ...] = ()
    seen: int = 0

    @property
    def games(self) -> int:
        return sum(entry.games for entry in self.training)

    def windowed(self, window: Window) -> tuple[Entry, ...]:
        """The newest shards that hold the window's games, the last one whole."""
        wanted, found = window.games(self.games), 0
        for number, entry in enumerate(reversed(self.training), 1):
            found += entry.games
            if found >= wanted:
                return self.training[-number:]
        return self.training


def look(folders: Sequence[Path], key: str, held_out: float, before: Listing) -> Listing:
    """What lies below the folders now of the configuration ``key`` (``square8_2p``), however deep. The same
    shard in two of them is one. Raises OSError, and CorruptData for a damaged consolidated store."""
    entries = unique(entry for folder in folders for entry in _entries(folder, key))
    training = tuple(entry for entry in entries if not is_held_out(entry.digest, held_out))
    others = tuple(entry for entry in entries if is_held_out(entry.digest, held_out))
    known = {entry.digest for entry in before.training}
    new = sum(entry.games for entry in training if entry.digest not in known)
    return Listing(training, others, before.seen + new)


def _entries(folder: Path, key: str) -> Iterator[Entry]:
    if is_store(folder):
        yield from (Entry(*group) for group in games_of(folder, key))
    else:
        found = (shard for shard in list_shards(folder) if shard.key == key)
        yield from (Entry(str(s.path), s.records, s.digest, s.sequence) for s in found)


def unique(entries: Iterable[Entry]) -> list[Entry]:
    """One of each digest, oldest first; the order depends on nothing but the shards."""
    found = {entry.digest: entry for entry in sorted(entries, reverse=True)}
    return sorted(found.values(), key=lambda entry: (entry.sequence, entry.digest))


def is_held_out(digest: str, share: float) -> bool:
    """By the shard's hash alone, so every trainer and every restart holds out the same."""
    number = int.from_bytes(hashlib.blake2b(digest.encode(), digest_size=4).digest(), "big")
    return number < share * 2**32


def as_json(listing: Listing) -> list[Any]:
    return [listing.training, listing.held_out, listing.seen]


def from_json(body: Sequence[Any]) -> Listing:
    training, held_out, seen = body
    return Listing(
        tuple(Entry(*entry) for entry in training), tuple(Entry(*entry) for entry in held_out), seen
    )
