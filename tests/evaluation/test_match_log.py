"""The match log: what was appended is read back, and what a crash or a disk spoilt is said."""

from __future__ import annotations

import os
import random
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.evaluation.worlds import match
from workers.evaluation import match_log
from workers.evaluation.match_result import InvalidResult, MatchResult, checked


def played(number: int = 0, players: int = 2) -> MatchResult:
    return match(random.Random(number), (0, 1), (0.0, 50.0), players, number=number)


@pytest.mark.parametrize("players", [2, 3, 4])
def test_what_was_appended_is_read_back(tmp_path: Path, players: int) -> None:
    path = match_log.log_path(tmp_path, f"square8_{players}p")
    wanted = tuple(played(number, players) for number in range(5))
    for result in wanted:
        match_log.append(path, result)
    assert match_log.read(path) == match_log.Matches(wanted)


def test_no_log_is_an_empty_one(tmp_path: Path) -> None:
    assert match_log.read(tmp_path / "matches.jsonl") == match_log.Matches(())


def test_a_torn_tail_is_left_out_and_said_and_the_next_match_begins_on_its_own(
    tmp_path: Path,
) -> None:
    path = tmp_path / "matches.jsonl"
    match_log.append(path, played(0))
    whole = path.stat().st_size
    match_log.append(path, played(1))
    for size in range(whole + 1, path.stat().st_size):
        os.truncate(path, size)
        found = match_log.read(path)
        assert (found.results, found.torn) == ((played(0),), 1)
        match_log.append(path, played(1))
        after = match_log.read(path)
        assert after.results == (played(0), played(1))
        assert after.left_out
        path.write_bytes(path.read_bytes()[:whole] + match_log.encode(played(1)) + b"\n")


def test_a_flipped_bit_anywhere_loses_that_line_only_and_is_said(tmp_path: Path) -> None:
    path = tmp_path / "matches.jsonl"
    for number in range(3):
        match_log.append(path, played(number))
    body = path.read_bytes()
    start = len(match_log.encode(played(0))) + 1
    for place in range(start, start + len(match_log.encode(played(1)))):
        path.write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
        found = match_log.read(path)
        assert found.results == (played(0), played(2)), place
        assert found.torn or found.damaged, place
        assert found.left_out


def test_the_same_games_count_once(tmp_path: Path) -> None:
    path = tmp_path / "matches.jsonl"
    for _ in range(2):
        match_log.append(path, played(0))
    match_log.append(path, played(0)._replace(t=2e9, purpose="gate"))
    found = match_log.read(path)
    assert found.results == (played(0),)
    assert found.left_out == "2 repeated"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r._replace(games=()),
        lambda r: r._replace(games=r.games[:1]),
        lambda r: r._replace(games=(*r.games, r.games[0])),
        lambda r: r._replace(games=tuple(g._replace(winners=()) for g in r.games)),
        lambda r: r._replace(games=tuple(g._replace(winners=(2,)) for g in r.games)),
        lambda r: r._replace(games=tuple(g._replace(winners=(0, 0)) for g in r.games)),
        lambda r: r._replace(games=tuple(g._replace(plies=0) for g in r.games)),
        lambda r: r._replace(games=tuple(g._replace(scores=(1,)) for g in r.games)),
        lambda r: r._replace(games=tuple(g._replace(seats=(0, 0)) for g in r.games)),
        lambda r: r._replace(participants=(r.participants[0],) * 2),
    ],
)
def test_what_cannot_be_a_result_is_refused(spoil, tmp_path: Path) -> None:
    path = tmp_path / "matches.jsonl"
    with pytest.raises(InvalidResult):
        match_log.append(path, spoil(played()))
    assert not path.exists() or not path.read_bytes()


def test_a_line_of_no_games_is_damaged_even_with_a_good_crc(tmp_path: Path) -> None:
    import json
    import zlib

    body = json.loads(match_log.encode(played()))
    del body["crc"]
    body["games"] = []
    text = json.dumps(body, separators=(",", ":")).encode()
    path = tmp_path / "matches.jsonl"
    path.write_bytes(text[:-1] + b',"crc":%d}\n' % zlib.crc32(text))
    assert match_log.read(path) == match_log.Matches((), damaged=(1,))


def test_a_match_has_all_rotations() -> None:
    result = played(0, 3)
    assert len(result.games) == 6
    with pytest.raises(InvalidResult, match="rotation"):
        checked(result._replace(games=result.games[:-1]))


def test_many_writers_tear_nothing(tmp_path: Path) -> None:
    path = tmp_path / "matches.jsonl"
    fork = get_context("fork")
    writers = [fork.Process(target=_write, args=(path, first)) for first in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    found = match_log.read(path)
    assert (len(found.results), found.left_out) == (90, "")


def _write(path: Path, first: int) -> None:
    for number in range(first, first + 30):
        match_log.append(path, played(number))
