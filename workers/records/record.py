"""One game as it is kept: what was played, what the search thought, who won. No states: replay rebuilds them."""

import base64
import hashlib
import math
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

VERSION = 1
PASS = -1
TERMINATIONS = ("natural", "max_moves", "resign")
_PAIR = struct.Struct("<HH")
_SEATS = 64  # nobody plays with more; a number beyond is damage


class GameRecord(NamedTuple):
    """``version`` 1. Seats are absolute, 0 to ``players`` - 1."""

    version: int
    id: str
    """``game_id`` of the game's own members."""
    game: str
    board: str
    players: int
    rules: str
    """With their version: "reversi/1"."""
    seed: int
    """Below 2**64."""
    moves: tuple[int, ...]
    """Actions; -1 is a forced pass."""
    visits: tuple[str | None, ...]
    """One for each move (``encode_visits``), None where the search gave no target; or none at all."""
    values: tuple[tuple[float, ...] | None, ...]
    """One for each move: the root's value for each seat, None where there is none; or none at all."""
    scores: tuple[int, ...]
    winners: tuple[int, ...]
    """The seats that share the win."""
    termination: str
    plies: int
    network: str
    """Its hash, "" without one."""
    search: str
    worker: str
    start: float
    """Seconds since 1970."""
    duration_s: float


def game_id(game: str, board: str, players: int, rules: str, moves: Iterable[int]) -> str:
    """32 hexadecimal digits: blake2b-128 of the members, each on a line, the moves with commas between."""
    text = "\n".join((game, board, str(players), rules, ",".join(map(str, moves))))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def encode_visits(pairs: Iterable[tuple[int, int]]) -> str:
    """(action, weight) pairs, each number 0 to 65535, as base64 of little-endian u16. Raises ValueError."""
    try:
        data = b"".join(_PAIR.pack(action, weight) for action, weight in pairs)
    except struct.error as error:
        raise ValueError(f"visits: {error}") from None
    return base64.b64encode(data).decode("ascii")


def decode_visits(text: str) -> list[tuple[int, int]]:
    """The pairs. Raises ValueError."""
    data = base64.b64decode(text, validate=True)
    if len(data) % _PAIR.size:
        raise ValueError(f"visits: {len(data)} bytes are no pairs of u16")
    return [(action, weight) for action, weight in _PAIR.iter_unpack(data)]


def check_record(record: GameRecord) -> None:
    """Raises ValueError, which names the member, for a record that no game can have."""
    if record.version != VERSION:
        raise ValueError(f"version {record.version!r}: this program knows {VERSION}")
    for name in ("id", "game", "board", "rules", "network", "search", "worker"):
        _expect(isinstance(getattr(record, name), str), name)
    for name in ("players", "seed", "plies"):
        _expect(_is_integer(getattr(record, name)), name)
    _expect(0 <= record.seed < 2**64, "seed")
    _expect(1 <= record.players <= _SEATS and record.plies >= 0, "players or plies")
    _expect(_is_number(record.start) and _is_number(record.duration_s), "start or duration_s")
    _expect(record.termination in TERMINATIONS, "termination")
    _expect(all(map(_is_integer, record.moves)) and min(record.moves, default=0) >= PASS, "moves")
    _expect(all(map(_is_integer, record.scores)), "scores")
    _expect(len(record.scores) == record.players, "scores")
    _expect(all(_is_integer(seat) and 0 <= seat < record.players for seat in record.winners), "winners")  # fmt: skip
    _check_targets(record)


def _check_targets(record: GameRecord) -> None:
    for name in ("visits", "values"):
        found = getattr(record, name)
        _expect(len(found) in (0, len(record.moves)), f"{name}: one for each move, or none")
    _expect(all(text is None or isinstance(text, str) for text in record.visits), "visits")
    for value in record.values:
        if value is not None:
            _expect(len(value) == record.players and all(map(_is_number, value)), "values")


def _is_integer(found: Any) -> bool:
    return type(found) is int


def _is_number(found: Any) -> bool:
    return type(found) in (int, float) and math.isfinite(found)


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
