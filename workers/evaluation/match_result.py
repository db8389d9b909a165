"""One match: two participants, one random opening, every rotation of the seats. Not whole is not valid."""

import hashlib
import json
from typing import NamedTuple

from workers.evaluation.participant import Ladder, Participant

TERMINATIONS = ("natural", "max_moves")


class InvalidResult(ValueError):
    """What is said to be a result of a match cannot be one."""


class Game(NamedTuple):
    """``seats[s]`` is which of the match's participants (0 or 1) sat on seat s; ``winners`` are the seats
    that share the win; ``scores`` by seat; ``digest`` stands for the moves."""

    seats: tuple[int, ...]
    winners: tuple[int, ...]
    scores: tuple[int, ...]
    plies: int
    termination: str
    digest: str


class MatchResult(NamedTuple):
    """``purpose`` is "gate" or "gauntlet"; ``t`` in seconds since 1970; ``opening`` the actions all its games
    began with; ``seed`` and ``number`` say which opening of which run it was."""

    ladder: Ladder
    participants: tuple[Participant, Participant]
    games: tuple[Game, ...]
    opening: tuple[int, ...]
    seed: int
    number: int
    purpose: str
    t: float

    @property
    def id(self) -> str:
        """blake2b-128 of who played what: the same games are the same match, whoever plays them again."""
        played = [[*game.seats, game.digest] for game in self.games]
        text = json.dumps([self.ladder, self.participants, self.opening, played])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def share(self, participant: int) -> float:
        """Of the wins, 0 to 1: what ``participant`` (0 or 1) won of all games; a shared win is shared."""
        won = sum(_share(game, participant) for game in self.games)
        return won / len(self.games)


def _share(game: Game, participant: int) -> float:
    return sum(game.seats[seat] == participant for seat in game.winners) / len(game.winners)


def checked(result: MatchResult) -> MatchResult:
    """The same. Raises InvalidResult: no games, seats that were not all rotated, or winners nobody seated."""
    if not result.games:
        raise InvalidResult("a result of 0 games is no result")
    seats = result.ladder.players
    for game in result.games:
        _check_game(game, seats)
    played = sorted(game.seats for game in result.games)
    if played != sorted(game.seats[-1:] + game.seats[:-1] for game in result.games):
        raise InvalidResult("not every rotation of the seats was played")
    if result.participants[0] == result.participants[1]:
        raise InvalidResult(f"{result.participants[0].name} played itself")
    return result


def _check_game(game: Game, seats: int) -> None:
    if len(game.seats) != seats or set(game.seats) != {0, 1}:
        raise InvalidResult(f"seats {game.seats} are not {seats} seats of two participants")
    if len(game.scores) != seats:
        raise InvalidResult(f"{len(game.scores)} scores for {seats} seats")
    if not game.winners or not set(game.winners) <= set(range(seats)):
        raise InvalidResult(f"winners {game.winners} are not some of {seats} seats")
    if len(set(game.winners)) != len(game.winners):
        raise InvalidResult(f"winners {game.winners} name a seat twice")
    if game.plies < 1 or game.termination not in TERMINATIONS:
        raise InvalidResult(f"{game.plies} plies, ended by {game.termination!r}")
