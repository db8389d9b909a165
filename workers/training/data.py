"""The samples of the steps to come: shards to epochs to groups to batches, the same after a restart."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from workers.games.game import TensorGame
from workers.records.shards import count
from workers.training import groups, listing, plan, window
from workers.training.batches import Batch, Maker
from workers.training.groups import Group
from workers.training.listing import Listing
from workers.training.plan import Plan
from workers.training.ranks import Ranks
from workers.training.settings import Settings

_POSITIONS_MIXED = 1 << 18


class Source(NamedTuple):
    """Where the games lie, and what they are games of."""

    folders: tuple[Path, ...]
    game: TensorGame

    @property
    def words(self) -> str:
        return f"{self.game.key} below {', '.join(str(path.absolute()) for path in self.folders)}"

    def unsealed(self) -> int:
        """Games in open journals, which never leave the machine where they are written."""
        counts = [count(folder / self.game.key) for folder in self.folders]
        return sum(found.records - found.sealed for found in counts)


class Data:
    """The cursor over all data. ``games`` and ``samples`` are those that were looked into so far."""

    def __init__(self, source: Source, settings: Settings, ranks: Ranks) -> None:
        self.source, self.settings, self.ranks = source, settings, ranks
        self.listing, self.plan = Listing(), Plan()
        self.games = self.samples = 0
        self.missing: list[str] = []
        self._planned = self._barren_at = 0
        self._window = window.parse(settings.window)
        self._maker = Maker(source.game, settings.augment)
        self._group: Group | None = None
        self._order: Tensor | None = None
        cells = len(source.game.action_plane())
        self._mix = settings.mix or max(1, _POSITIONS_MIXED // max(1, cells))

    # ------------------------------------------------------------ what there is

    def look(self) -> None:
        """Rank 0 lists the shards, and all know what it found. Raises OSError."""
        found = self.listing
        if self.ranks.leads:
            found = listing.look(
                self.source.folders, self.source.game.key, self.settings.held_out, found
            )
        self.listing = listing.from_json(self.ranks.share(listing.as_json(found)))
        self.plan = plan.located(self.plan, self.listing.training)

    @property
    def there(self) -> int:
        """Samples for training that ever came: exact where all games were looked into."""
        return self.listing.seen * self.samples // self.games if self.games else 0

    @property
    def windowed(self) -> int:
        """Games in the window."""
        return sum(entry.games for entry in self.listing.windowed(self._window))

    # ------------------------------------------------------------ the cursor

    def ready(self) -> bool:
        """Whether a batch can be made; replays the next group where needed. Raises CorruptData where its games
        must not be learned from."""
        barren = 0
        while self._order is None or self.plan.batch >= len(self._order):
            if self._order is not None:
                self._leave_group()
            if self.plan.over or self._stale:
                if barren > 1 or self._barren_at == self.listing.seen:  # epochs without a sample
                    self._barren_at = self.listing.seen
                    return False
                barren += 1
                self._begin_epoch()
            self._enter_group()
        return True

    def next(self) -> Batch:
        """This rank's part of the batch under the cursor, which moves on. Only after ``ready``."""
        if self._group is None or self._order is None:
            raise LookupError("no group is open: ask whether the data are ready")
        whole = self._order[self.plan.batch]
        words = (self.settings.seed, self.plan.epoch, self.plan.group, self.plan.batch)
        turns = self._maker.turns(len(whole), plan.seed_of(*words))
        mine = slice(self.ranks.rank, None, self.ranks.world)
        self.plan = self.plan._replace(batch=self.plan.batch + 1)
        return self._maker.make(self._group.samples, whole[mine], turns[mine])

    @property
    def _stale(self) -> bool:
        """Games have come since the epoch was planned, and we are between two groups."""
        return self._order is None and self.plan.group > 0 and self.listing.seen > self._planned

    def _begin_epoch(self) -> None:
        self._planned = self.listing.seen
        self.plan = plan.begin(
            self.settings.seed, self.plan.epoch + 1, self.listing.windowed(self._window)
        )

    def _enter_group(self) -> None:
        shards = plan.group_of(self.plan, self._mix)
        self._group = groups.load(self.source.game, shards)
        self.missing += self._group.missing
        self.games += self._group.tally.games
        self.samples += len(self._group.samples)
        seed = plan.seed_of(self.settings.seed, self.plan.epoch, *(s.digest for s in shards))
        self._order = groups.order(len(self._group.samples), self.settings.batch_size, seed)

    def _leave_group(self) -> None:
        self._group = self._order = None
        self.plan = plan.next_group(self.plan, self._mix)

    # ------------------------------------------------------------ across restarts

    def as_json(self) -> dict[str, Any]:
        return {
            "plan": plan.as_json(self.plan),
            "planned": self._planned,
            "listing": listing.as_json(self.listing),
            "games": self.games,
            "samples": self.samples,
        }

    def restore(self, body: dict[str, Any]) -> None:
        """What ``as_json`` gave, through JSON. The group is replayed by ``ready``."""
        self.plan = plan.from_json(body["plan"])
        self._planned = body["planned"]
        self.listing = listing.from_json(body["listing"])
        self.games, self.samples = body["games"], body["samples"]
        self._group = self._order = None


def newest(entries: Sequence[listing.Entry], games: int) -> Sequence[listing.Entry]:
    """The newest shards that hold so many games, the last one whole."""
    held = Listing(tuple(entries))
    return held.windowed(window.Fixed(games))
