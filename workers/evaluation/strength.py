"""How strong the raw policies are: each checkpoint against random and greedy, on the same openings."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from workers.evaluation import match_log
from workers.evaluation.arena import Arena
from workers.evaluation.difference import Difference, difference
from workers.evaluation.match_result import MatchResult
from workers.evaluation.matches import ladder_of
from workers.evaluation.players import Player, load, load_network, of_network
from workers.network.places import checkpoint_names

OPPONENTS = ("random", "greedy")
SEED = 1
"""Openings that stay the same from one table to the next."""


class Strength(NamedTuple):
    """``against`` has a difference for each opponent by name; absent where a stop came first."""

    checkpoint: str
    step: int
    against: dict[str, Difference]


def strength(
    arena: Arena,
    folder: Path,
    checkpoints: Sequence[str],
    games: int,
    opponents: Sequence[str] = OPPONENTS,
    search: str = "policy",
) -> list[Strength]:
    """A row for each of ``checkpoints`` (names, ``latest`` or ``best``; none: first and latest).

    At least ``games`` games of each pair. Matches of the same seed that are in the log are not played again.
    Raises NoDataYet where there is no such network.
    """
    wanted = checkpoints or [*checkpoint_names(folder)[-1:], "latest"]
    loaded = {
        found.name: found
        for found in (load_network(name, arena.game, folder, arena.say) for name in wanted)
    }
    others = [load(name, arena.game, folder, arena.say) for name in opponents]
    matches = -(-games // arena.per_match)
    arena.expect(len(loaded) * len(others) * matches * arena.per_match)
    rows = []
    for name, network in loaded.items():
        player = of_network(search, network, arena.game)
        against = {}
        for other in others:
            results = _played(arena, (player, other), matches)
            if results:
                shares = [result.share(0) for result in results]
                against[other.participant.search] = difference(shares, arena.game.players)
        rows.append(Strength(name, network.meta.step, against))
    return rows


def _played(arena: Arena, pair: tuple[Player, Player], matches: int) -> list[MatchResult]:
    """The first ``matches`` of this seed, out of the log as far as it has them."""
    who = (pair[0].participant, pair[1].participant)
    found = [
        result
        for result in match_log.read(arena.log).results
        if result.participants == who
        and result.ladder == ladder_of(arena.game)
        and (result.seed, len(result.opening)) == (arena.seed, arena.opening_plies)
    ]
    arena.skip(min(len(found), matches) * arena.per_match)
    arena.worker.say(message=f"{who[0].name} against {who[1].name}")
    book = arena.book(max((result.number + 1 for result in found), default=0))
    while len(found) < matches and not arena.worker.ending:
        found += arena.play_round(pair, book, matches - len(found), "gauntlet")
    return found[:matches]
