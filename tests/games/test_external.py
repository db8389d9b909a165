"""Games of a command: run, checked line by line, stopped."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from workers.games import load_game
from workers.games.external import ExternalCommand, ExternalGameFailed
from workers.games.random_play import play_random

RULES = load_game("reversi", "square8", 2)
PLAYED = play_random(RULES, 3, torch.Generator().manual_seed(6))
GOOD = [
    {"moves": moves, "scores": scores}
    for moves, scores in zip(PLAYED.moves(), PLAYED.scores.t().tolist(), strict=True)
]


def command(script: str, rules: Any = RULES) -> ExternalCommand:
    argv = [sys.executable, "-c", script, "{board}", "{players}", "{games}", "{seed}", "{out}"]
    return ExternalCommand(argv, "square8", 2, rules)


def written(tmp_path: Path, *lines: dict[str, Any]) -> Path:
    out = tmp_path / "games.jsonl"
    out.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return out


def test_a_command_plays_its_batch_and_is_told_what(tmp_path: Path) -> None:
    canned = written(tmp_path, *GOOD)
    script = f"""
import shutil, sys
assert sys.argv[1:5] == ["square8", "2", "3", "77"], sys.argv
shutil.copy({str(canned)!r}, sys.argv[5])
"""
    games = command(script).play(3, 77, tmp_path / "out.jsonl")
    assert [list(game.moves) for game in games] == [game["moves"] for game in GOOD]
    for game in games:
        best = max(game.scores)
        assert [game.scores[seat] for seat in game.winners] == [best] * len(game.winners)
        assert game.termination == "natural"


def test_a_line_may_be_one_text_with_quotes(tmp_path: Path) -> None:
    line = ExternalCommand("play 'a b' --to={out} -n {games} '{\"x\": {}}'", "square8", 2)
    assert line.words(4, 1, Path("/x")) == ["play", "a b", "--to=/x", "-n", "4", '{"x": {}}']


@pytest.mark.parametrize(
    ("argv", "words"),
    [("play {games}", "no {out}"), ("play {out} {nets}", "{nets} is not known"),
     ("play {out", "no {out}"), ("play {}", "no {out}")],
)  # fmt: skip
def test_a_wrong_template_is_refused(argv: str, words: str) -> None:
    with pytest.raises(ExternalGameFailed, match=words):
        ExternalCommand(argv, "square8", 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"moves": "e4"}, "line 2: moves is no list"), ({"moves": []}, "line 2: 0 moves"),
     ({"moves": [19, True]}, "moves is no list"), ({"scores": [1]}, "scores of 1 seats"),
     ({"winners": [2]}, "winners are no seats"), ({"termination": "bored"}, "termination is 'bored'"),
     ({"board": "hex8"}, "board is not 'square8'"), ({"players": 3}, "players is not 2"),
     ({"visits": ["x"]}, "visits is no entry a move"), ({"moves": [0]}, "game 2: ply 0: move 0 is not legal"),
     ({"scores": [64, 0]}, "game 2: the scores are"),
     ({"termination": "max_moves"}, "does not end as it says")],
)  # fmt: skip
def test_a_bad_game_fails_its_batch(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    out = written(tmp_path, GOOD[0], {**GOOD[1], **change})
    with pytest.raises(ExternalGameFailed, match=words):
        command("").read(out)


def test_what_is_no_json_is_named_by_its_line(tmp_path: Path) -> None:
    out = written(tmp_path, GOOD[0])
    out.write_bytes(out.read_bytes() + b'{"moves": [1')
    with pytest.raises(ExternalGameFailed, match="line 2 is no JSON"):
        command("").read(out)
    assert len(command("").read(out, torn=True)) == 1


@pytest.mark.parametrize(
    ("script", "words"),
    [("import sys; print('no board'); sys.exit(9)", "ended with 9: no board"),
     ("pass", "wrote nothing"),
     ("import sys; open(sys.argv[5], 'w').close()", "3 games were asked for, 0 written")],
)  # fmt: skip
def test_a_command_that_fails_says_why(tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(ExternalGameFailed, match=words):
        command(script).play(3, 1, tmp_path / "out.jsonl")


def test_a_command_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ExternalGameFailed, match="no-such-command cannot be run"):
        ExternalCommand("no-such-command {out}", "square8", 2).play(1, 1, tmp_path / "out")


def test_a_stop_ends_the_command_and_keeps_whole_lines(tmp_path: Path) -> None:
    canned, out = written(tmp_path, *GOOD), tmp_path / "out.jsonl"
    script = f"""
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[5], "w") as out:
    out.write(open({str(canned)!r}).read() + '{{"moves": [')
time.sleep(600)
"""

    def stopping() -> bool:
        return out.exists() and out.stat().st_size > canned.stat().st_size

    began = time.monotonic()
    assert len(command(script).play(9, 1, out, stopping, grace_s=0.2)) == 3
    assert time.monotonic() - began < 60
