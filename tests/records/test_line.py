"""A line gives back what was written, or nothing at all."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records.games import game
from tests.records.strategies import records
from workers.records import (
    CorruptRecord,
    GameRecord,
    decode_line,
    decode_visits,
    encode_line,
    encode_visits,
    game_id,
)
from workers.records.line import is_whole


@given(records())
def test_a_line_gives_back_the_game(record: GameRecord) -> None:
    line = encode_line(record)
    assert line.count(b"\n") == 1
    assert line.endswith(b"}\n")
    assert list(json.loads(line))[-1] == "crc"
    assert decode_line(line) == record
    assert decode_line(line.rstrip(b"\n")) == record


@given(st.data())
def test_no_changed_line_is_believed(data: st.DataObject) -> None:
    line = encode_line(game(7))
    place = data.draw(st.integers(0, len(line) - 2))
    bit = data.draw(st.integers(0, 7))
    changed = bytearray(line)
    changed[place] ^= 1 << bit
    with pytest.raises(CorruptRecord):
        decode_line(bytes(changed))


def test_no_beginning_of_a_line_is_believed() -> None:
    line = encode_line(game(7))
    assert not any(is_whole(line[:size]) for size in range(len(line) - 1))


@given(st.binary(max_size=200))
def test_anything_else_is_refused(line: bytes) -> None:
    with pytest.raises(CorruptRecord):
        decode_line(line)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("version", 2),
        ("players", 0),
        ("players", True),
        ("seed", -1),
        ("seed", 2**64),
        ("moves", (-2,) * 9),
        ("moves", (1.5,)),
        ("visits", ("", "")),
        ("values", ((0.0,),) * 9),
        ("scores", (1,)),
        ("winners", (2,)),
        ("termination", "bored"),
        ("start", float("nan")),
        ("board", None),
    ],
)
def test_what_no_game_can_have_is_not_written(member: str, value: Any) -> None:
    with pytest.raises(ValueError):
        encode_line(game(7)._replace(**{member: value}))


def test_members_of_later_versions_are_ignored_and_later_versions_refused() -> None:
    body = json.loads(encode_line(game(7)))
    del body["crc"]
    assert decode_line(_sealed({**body, "colour": "red"})) == game(7)
    with pytest.raises(CorruptRecord, match="version 2"):
        decode_line(_sealed({**body, "version": 2}))
    for name in body:
        with pytest.raises(CorruptRecord):
            decode_line(_sealed({key: body[key] for key in body if key != name}))


def _sealed(body: dict[str, Any]) -> bytes:
    text = json.dumps(body, separators=(",", ":")).encode()
    return text[:-1] + b',"crc":%d}\n' % zlib.crc32(text)


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535))))
def test_visits_come_back(pairs: list[tuple[int, int]]) -> None:
    assert decode_visits(encode_visits(pairs)) == pairs


@pytest.mark.parametrize("pairs", [[(-1, 1)], [(1, 65536)]])
def test_visits_that_do_not_fit_are_refused(pairs: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="visits"):
        encode_visits(pairs)


@pytest.mark.parametrize("text", ["AAA=", "!", "AAAAAA=="[:7]])
def test_visits_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_visits(text)


def test_an_id_is_of_what_was_played() -> None:
    one = game_id("reversi", "square8", 2, "reversi/1", [19, 18, -1])
    assert one == "2d8223ef2003772a919128e6457be094"
    others = [
        game_id("ataxx", "square8", 2, "reversi/1", [19, 18, -1]),
        game_id("reversi", "hex8", 2, "reversi/1", [19, 18, -1]),
        game_id("reversi", "square8", 3, "reversi/1", [19, 18, -1]),
        game_id("reversi", "square8", 2, "reversi/2", [19, 18, -1]),
        game_id("reversi", "square8", 2, "reversi/1", [19, 181]),
    ]
    assert len({one, *others}) == 6
