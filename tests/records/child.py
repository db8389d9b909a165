"""A worker that writes games, and one that recovers them, each as a process that may be killed at any call.

`write OUT FSYNC FIRST COUNT SEAL` says `durable N` after each game; `recover OUT` says `recovered`;
`live OUT WORKER FIRST SEAL` recovers what the dead have left and writes for ever.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

from tests.records.games import BOARD, PLAYERS, WORKER, game
from workers.records.journal import Journal
from workers.records.recover import recover


def say(text: str) -> None:
    os.write(1, text.encode() + b"\n")


def write(out: str, fsync: str, first: str, count: str, seal: str) -> None:
    journal = Journal(Path(out), BOARD, PLAYERS, WORKER, fsync, seal_games=int(seal))
    for seed in range(int(first), int(first) + int(count)):
        journal.append(game(seed))
        say(f"durable {journal.durable}")
    journal.close()
    say(f"durable {journal.durable}")


def mend(out: str) -> None:
    recover(Path(out))
    say("recovered")


def live(out: str, worker: str, first: str, seal: str) -> None:
    recover(Path(out))
    journal = Journal(Path(out), BOARD, PLAYERS, worker, seal_games=int(seal))
    for seed in count(int(first)):
        journal.append(game(seed, worker))
        say(f"durable {journal.durable}")


if __name__ == "__main__":
    {"write": write, "recover": mend, "live": live}[sys.argv[1]](*sys.argv[2:])
