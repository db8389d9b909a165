"""The loop that every fleet runs, small enough for two cores and a quarter of an hour.

Each step is a command of the reference workers in a process of its own, as a console would start it: only
folders lie between them. What is there already is gone on with.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DONE, WAITING = 0, 3


def main() -> int:
    arguments = _arguments()
    board, _, players = arguments.config.rpartition("_")
    loop = Loop(arguments, board, players.removesuffix("p"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # its steps end with it
    try:
        return loop.run()
    except KeyboardInterrupt:
        print("\nstopped; what was played and learned is kept, and the next call goes on with it")
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo-loop", description=__doc__)
    parser.add_argument("--config", default="square8_2p", metavar="BOARD_Np", help="(square8_2p)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="at most (5)")
    parser.add_argument("--games", type=int, default=1024, metavar="N", help="a round (1024)")
    parser.add_argument("--sims", type=int, default=32, metavar="N", help="a move (32)")
    parser.add_argument(
        "--minutes", type=float, default=14.0, help="no round begins that would end later (14)"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("data/demo-loop"), help="(data/demo-loop)"
    )
    return parser.parse_args()


class Loop:
    """One configuration's folders, and the commands that work on them."""

    def __init__(self, arguments: argparse.Namespace, board: str, players: str) -> None:
        self._arguments = arguments
        self._game = ("--board", board, "--num-players", players)
        folder: Path = arguments.folder
        self._data, self._models, self._matches = (
            folder / "selfplay",
            folder / "models",
            folder / "matches",
        )
        self._began = time.monotonic()
        self._cores = len(os.sched_getaffinity(0))

    def run(self) -> int:
        print(
            f"demo loop: {self._arguments.config}, {self._cores} cores, at most {self._arguments.minutes:g} min; files in {self._arguments.folder.absolute()}"
        )
        longest = 0.0
        for number in range(1, self._arguments.rounds + 1):
            if time.monotonic() - self._began + longest > self._arguments.minutes * 60:
                print(f"no time for round {number}")
                break
            began = time.monotonic()
            self._round(number)
            longest = max(longest, time.monotonic() - began)
        return self._table()

    def _round(self, number: int) -> None:
        print(f"\nround {number} of {self._arguments.rounds}  ({self._clock()})")
        self._play()
        self._step(
            "train",
            (
                "workers.training",
                *self._game,
                "--data",
                str(self._data),
                "--models",
                str(self._models),
                "--checkpoint-steps",
                "1000000",
            ),
        )
        self._step(
            "gate",
            (
                "workers.evaluation",
                "gate",
                *self._game,
                *self._places(),
                "--search",
                "policy",
                "--max-games",
                "400",
                "--threads",
                "1",
            ),
        )

    def _play(self) -> None:
        """One worker a core, one thread each."""
        each = -(-self._arguments.games // self._cores)
        net = "latest-or-fresh"  # the newest learns fastest; what is promoted is the gate's matter
        command = ("workers.selfplay", *self._game, "--num-games", str(each), "--sims", str(self._arguments.sims),
                   "--output", str(self._data), "--models", str(self._models), "--net", net, "--threads", "1",
                   "--batch-size", "256")  # fmt: skip
        self._step("self-play", command, copies=self._cores)

    def _places(self) -> tuple[str, ...]:
        return ("--models", str(self._models), "--matches", str(self._matches))

    def _step(self, name: str, command: tuple[str, ...], copies: int = 1) -> None:
        began = time.monotonic()
        self._run(name, [command] * copies)
        print(f"  {name:10} {time.monotonic() - began:5.0f} s")

    def _run(self, name: str, commands: list[tuple[str, ...]]) -> list[str]:
        """What each printed. Raises SystemExit where one failed; all are stopped with us."""
        running = []
        with tempfile.TemporaryDirectory() as folder:
            logs = [Path(folder, str(number)) for number in range(len(commands))]
            for command, log in zip(commands, logs, strict=True):
                with log.open("wb") as out:
                    running.append(subprocess.Popen([sys.executable, "-m", *command], stdout=out, stderr=subprocess.STDOUT))  # fmt: skip
            try:
                codes = [process.wait() for process in running]
            except BaseException:
                for process in running:
                    process.send_signal(signal.SIGTERM)
                for process in running:
                    process.wait()
                raise
            said = [log.read_text() for log in logs]
        for code, text in zip(codes, said, strict=True):
            if code not in (DONE, WAITING):
                print(text[-3000:], file=sys.stderr)
                raise SystemExit(f"{name} ended with exit code {code}")
        return said

    def _table(self) -> int:
        """The raw policy of the first, middle and latest networks, against random and greedy."""
        command = (
            "workers.evaluation",
            "strength",
            *self._game,
            *self._places(),
            "--num-games",
            "400",
            "--threads",
            "1",
        )
        (said,) = self._run("strength", [command])
        print(f"\n{said.strip()}\n\n{self._clock()}")
        return 0

    def _clock(self) -> str:
        return f"{(time.monotonic() - self._began) / 60:.1f} min since the start"


if __name__ == "__main__":
    sys.exit(main())
