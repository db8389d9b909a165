"""In which order an epoch reads its shards, and where in it we are: pure, and the same after a restart."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from workers.training.listing import Entry


class Plan(NamedTuple):
    """One epoch: its shards in reading order. ``group`` is where the shards that are mixed now begin,
    ``batch`` which of their batches comes next."""

    epoch: int = 0
    shards: tuple[Entry, ...] = ()
    group: int = 0
    batch: int = 0

    @property
    def over(self) -> bool:
        return self.group >= len(self.shards)


def begin(seed: int, epoch: int, window: Iterable[Entry]) -> Plan:
    """The window's shards, each placed by the hash of (seed, epoch, its digest)."""
    shards = sorted(window, key=lambda entry: seed_of(seed, epoch, entry.digest))
    return Plan(epoch, tuple(shards))


def group_of(plan: Plan, mix_games: int) -> tuple[Entry, ...]:
    """The next shards to mix: as many as hold ``mix_games``, at least one."""
    games = 0
    for number, entry in enumerate(plan.shards[plan.group :], 1):
        games += entry.games
        if games >= mix_games:
            return plan.shards[plan.group : plan.group + number]
    return plan.shards[plan.group :]


def next_group(plan: Plan, mix_games: int) -> Plan:
    return plan._replace(group=plan.group + len(group_of(plan, mix_games)), batch=0)


def located(plan: Plan, known: Iterable[Entry]) -> Plan:
    """The same shards where they lie now: data may have moved between two runs."""
    paths = {entry.digest: entry.path for entry in known}
    shards = (entry._replace(path=paths.get(entry.digest, entry.path)) for entry in plan.shards)
    return plan._replace(shards=tuple(shards))


def seed_of(*words: object) -> int:
    """63 bits, from the words alone."""
    text = "/".join(map(str, words)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def as_json(plan: Plan) -> dict[str, Any]:
    return plan._asdict()


def from_json(body: dict[str, Any]) -> Plan:
    shards: Sequence[Sequence[Any]] = body["shards"]
    return Plan(
        body["epoch"], tuple(Entry(*entry) for entry in shards), body["group"], body["batch"]
    )
