"""Anything that a game can be."""

from __future__ import annotations

from hypothesis import strategies as st

from workers.records import GameRecord, encode_visits
from workers.records.record import TERMINATIONS

_TEXT = st.text(max_size=8)
_VALUE = st.floats(-1, 1).map(lambda found: round(found, 6))


@st.composite
def records(draw: st.DrawFn) -> GameRecord:
    players = draw(st.integers(1, 4))
    moves = tuple(draw(st.lists(st.integers(-1, 500), max_size=6)))
    pairs = st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), max_size=3)
    targets = st.none() | pairs.map(encode_visits)
    values = st.none() | st.tuples(*[_VALUE] * players)
    size = draw(st.sampled_from([0, len(moves)]))
    return GameRecord(
        version=1,
        id=draw(_TEXT),
        game=draw(_TEXT),
        board=draw(_TEXT),
        players=players,
        rules=draw(_TEXT),
        seed=draw(st.integers(0, 2**64 - 1)),
        moves=moves,
        visits=tuple(draw(st.lists(targets, min_size=size, max_size=size))),
        values=tuple(draw(st.lists(values, min_size=size, max_size=size))),
        scores=tuple(draw(st.lists(st.integers(-500, 500), min_size=players, max_size=players))),
        winners=tuple(draw(st.lists(st.integers(0, players - 1), unique=True))),
        termination=draw(st.sampled_from(TERMINATIONS)),
        plies=len(moves),
        network=draw(_TEXT),
        search=draw(_TEXT),
        worker=draw(_TEXT),
        start=draw(st.floats(0, 2**33)),
        duration_s=draw(st.floats(0, 1e6)),
    )
