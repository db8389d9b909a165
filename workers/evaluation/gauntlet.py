"""One player, or each, against others: so many games a pair, all pairs on the same openings."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from workers.evaluation.arena import Arena
from workers.evaluation.difference import Difference, difference
from workers.evaluation.match_result import MatchResult
from workers.evaluation.participant import Participant
from workers.evaluation.players import Player
from workers.harness import Misconfigured

Pair = tuple[Player, Player]


class Score(NamedTuple):
    """``first`` against ``second``; ``seat_shares`` is what each seat won, whoever sat there, 0 to 1;
    ``truncated`` counts games that the cap on moves ended."""

    first: Participant
    second: Participant
    difference: Difference
    seat_shares: tuple[float, ...]
    truncated: int


def pairs_of(players: Sequence[Player], all_pairs: bool) -> list[Pair]:
    """The first against each other, or everybody against everybody. Raises Misconfigured."""
    if len(players) < 2:
        raise Misconfigured("a gauntlet needs two players at least")
    who = [player.participant for player in players]
    twice = [participant.name for participant, count in Counter(who).items() if count > 1]
    if twice:
        raise Misconfigured(f"{twice[0]} cannot play itself")
    if all_pairs:
        return list(combinations(players, 2))
    return [(players[0], other) for other in players[1:]]


def play(arena: Arena, pairs: Sequence[Pair], games: int) -> list[MatchResult]:
    """At least ``games`` games of each pair; fewer where the worker was stopped, or drained after a round."""
    matches = -(-games // arena.per_match)
    arena.expect(len(pairs) * matches * arena.per_match)
    found: list[MatchResult] = []
    for pair in pairs:
        names = f"{pair[0].participant.name} against {pair[1].participant.name}"
        arena.worker.say(message=names)
        book, left = arena.book(), matches
        while left > 0 and not arena.worker.ending:
            results = arena.play_round(pair, book, left, "gauntlet")
            found += results
            left -= len(results)
    return found


def scores(results: Sequence[MatchResult]) -> list[Score]:
    """Of each pair, in the order they first met."""
    pairs: dict[tuple[Participant, Participant], list[MatchResult]] = {}
    for result in results:
        pairs.setdefault(result.participants, []).append(result)
    return [_score(matches) for matches in pairs.values()]


def _score(matches: Sequence[MatchResult]) -> Score:
    seats = matches[0].ladder.players
    games = [game for match in matches for game in match.games]
    won = [
        sum(1 / len(game.winners) for game in games if seat in game.winners)
        for seat in range(seats)
    ]
    return Score(
        *matches[0].participants,
        difference([match.share(0) for match in matches], seats),
        tuple(share / len(games) for share in won),
        sum(game.termination == "max_moves" for game in games),
    )
