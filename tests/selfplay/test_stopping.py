"""Signals, drain and kill -9 against the real command."""

import os
import random
import signal
import time

import pytest

from tests.selfplay.test_command import games_of
from workers import contract
from workers.records import count, recover

_FOREVER = ("--forever", "--search", "random", "--batch-size", "16", "--seal-games", "40")


def ended(process, within_s=30):
    output, _ = process.communicate(timeout=within_s)
    return process.returncode, output


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, contract.EXIT_TERMINATED), (signal.SIGINT, contract.EXIT_INTERRUPTED)],
)
def test_stopped_it_seals_every_durable_game_within_its_grace(command, number, code):
    process = command.start(*_FOREVER)
    command.wait_for(lambda status: status["extra"].get("durable", 0) > 50)
    began = time.monotonic()
    process.send_signal(number)
    assert ended(process)[0] == code
    assert time.monotonic() - began < 30
    extra, there = command.status()["extra"], count(command.out)
    assert extra["durable"] == extra["sealed"] == there.sealed == there.records
    assert there.journals == 0


def test_a_long_search_is_given_up_at_once(command):
    process = command.start("--forever", "--net", "none", "--sims", "5000", "--batch-size", "8")
    command.wait_for(lambda status: status["phase"] == "play" and status["extra"].get("output"))
    time.sleep(0.2)
    began = time.monotonic()
    process.terminate()
    assert ended(process)[0] == contract.EXIT_TERMINATED
    assert time.monotonic() - began < 30  # the search would take minutes


def test_drained_it_finishes_the_games_under_way(command):
    process = command.start(*_FOREVER)
    command.wait_for(lambda status: status["extra"].get("durable", 0) > 20)
    command.drain.touch()
    assert ended(process)[0] == contract.EXIT_DONE
    assert count(command.out).sealed == command.status()["done"]
    assert count(command.out).records % 16 == 0 or count(command.out).records > 36


def kill_and_recover(command, times, chance):
    """What was durable in the status before each kill is read back, each game once."""
    promised = 0
    for _ in range(times):
        command.status_path.unlink(missing_ok=True)
        process = command.start(*_FOREVER)
        command.wait_for(lambda status: status["extra"].get("durable", 0) > 0)
        time.sleep(chance.uniform(0, 1.5))
        durable = command.status()["extra"]["durable"]
        process.kill()
        process.communicate()
        promised += durable
    recover(command.out)
    games = games_of(command.out)
    assert len(games) == count(command.out).records >= promised
    assert len({game.id for game in games}) == len(games)
    assert not list(command.out.rglob("*.jsonl"))


def test_killed_it_loses_no_durable_game(command):
    kill_and_recover(command, 2, random.Random(1))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_killed_a_hundred_times_it_loses_no_durable_game(command):
    kill_and_recover(command, 100, random.Random(os.getpid()))


def test_the_next_start_recovers_what_a_killed_one_left(run, command, capsys):
    process = command.start(*_FOREVER)
    command.wait_for(lambda status: status["extra"].get("durable", 0) > 5)
    process.kill()
    process.communicate()
    left = count(command.out)
    assert run("--search", "random", "--num-games", "4") == 0
    if left.records > left.sealed:
        assert f"recovered {left.records - left.sealed}" in capsys.readouterr().out
    assert count(command.out).journals == 0
    assert count(command.out).sealed >= left.records
