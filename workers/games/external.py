"""Games that a command plays: it is run, and what it writes is checked before it counts.

The command gets board, players, games, seed and a path by its arguments, and writes one game a line
to that path, as JSON: `{"moves": [...], "scores": [...]}`, and if it likes `winners` (seats; else
those with the best score), `termination` (`natural`, `max_moves`, `resign`), `board`, `players`,
`visits` and `values` (a list each, an entry a move). Forced passes are moves of -1.
"""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from workers.games.game import GameError, TensorGame
from workers.games.replay import replay

FIELDS = ("board", "players", "games", "seed", "out")
FIELD = re.compile(r"\{([a-z_]+)\}")  # other braces are the command's own
TERMINATIONS = ("natural", "max_moves", "resign")
MOST_MOVES = 100_000
TAIL = 2000  # characters of the command's last words in an error


class ExternalGameFailed(GameError):
    """A command that did not deliver its games, or delivered what is none."""


class ExternalGame(NamedTuple):
    """One game that a command played."""

    moves: tuple[int, ...]
    scores: tuple[int, ...]  # per seat
    winners: tuple[int, ...]  # seats that share the win
    termination: str
    visits: tuple[Any, ...] | None = None  # per move
    values: tuple[Any, ...] | None = None  # per move


class ExternalCommand:
    """A command line with {board}, {players}, {games}, {seed} and {out} in it.

    `rules`, where there are any, replays each game, and one that breaks them fails its batch.
    Raises ExternalGameFailed for a line without {out} or with other names in braces.
    """

    def __init__(
        self, argv: str | Sequence[str], board: str, players: int, rules: TensorGame | None = None
    ) -> None:
        self.argv = shlex.split(argv) if isinstance(argv, str) else list(argv)
        self.board, self.players, self.rules = board, players, rules
        named = {name for word in self.argv for name in FIELD.findall(word)}
        if unknown := named - set(FIELDS):
            raise ExternalGameFailed(
                f"{{{unknown.pop()}}} is not known; there are {', '.join(FIELDS)}"
            )
        if "out" not in named:
            raise ExternalGameFailed("the command has no {out}: where would it write its games?")

    def words(self, games: int, seed: int, out: Path) -> list[str]:
        """The arguments for one batch."""
        fields = dict(zip(FIELDS, (self.board, self.players, games, seed, out), strict=True))
        return [FIELD.sub(lambda name: str(fields[name[1]]), word) for word in self.argv]

    def play(
        self,
        games: int,
        seed: int,
        out: Path,
        stopping: Callable[[], bool] = lambda: False,
        grace_s: float = 5.0,
    ) -> list[ExternalGame]:
        """Runs the command for `games` games and reads them from `out`.

        When `stopping()` becomes true the command gets TERM, after `grace_s` seconds KILL; then
        the whole lines of what it wrote so far are returned. Raises ExternalGameFailed when the
        command fails, is not there, or its lines are not that many games.
        """
        log = out.with_name(out.name + ".log")
        with log.open("wb") as said:
            process = self._started(self.words(games, seed, out), said.fileno())
            try:
                stopped = _waited(process, stopping, grace_s)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        if process.returncode and not stopped:
            raise ExternalGameFailed(
                f"the command ended with {process.returncode}: {_tail(log) or 'it said nothing'}"
            )
        found = self.read(out, torn=stopped)
        if not stopped and len(found) != games:
            raise ExternalGameFailed(f"{games} games were asked for, {len(found)} written to {out}")
        return found

    def read(self, out: Path, torn: bool = False) -> list[ExternalGame]:
        """The games in `out`; with `torn`, a last line without its end is left out.

        Raises ExternalGameFailed with the number of the first bad line.
        """
        try:
            lines = out.read_bytes().split(b"\n")
        except FileNotFoundError:
            if torn:
                return []
            raise ExternalGameFailed(f"the command wrote nothing to {out}") from None
        if torn:
            lines = lines[:-1]
        games = [
            self._game(line, f"{out.name} line {number}")
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
        self._replayed(games, out)
        return games

    def _started(self, words: list[str], said: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        except OSError as error:
            raise ExternalGameFailed(f"{words[0]} cannot be run: {error.strerror}") from error

    def _game(self, line: bytes, where: str) -> ExternalGame:
        try:
            told = json.loads(line)
        except ValueError as error:
            raise ExternalGameFailed(f"{where} is no JSON: {error}") from error
        _require(isinstance(told, dict), f"{where} is no object")
        for what, value in (("board", self.board), ("players", self.players)):
            _require(told.get(what, value) == value, f"{where}: {what} is not {value!r}")
        moves, scores = _whole(told, "moves", where), _whole(told, "scores", where)
        _require(0 < len(moves) <= MOST_MOVES, f"{where}: {len(moves)} moves")
        _require(min(moves) >= -1, f"{where}: a move below -1")
        _require(len(scores) == self.players, f"{where}: scores of {len(scores)} seats")
        best = [seat for seat, score in enumerate(scores) if score == max(scores)]
        winners = _whole(told, "winners", where) if "winners" in told else tuple(best)
        seated = bool(winners) and all(0 <= seat < self.players for seat in winners)
        _require(seated, f"{where}: winners are no seats")
        ended = told.get("termination", "natural")
        _require(ended in TERMINATIONS, f"{where}: termination is {ended!r}")
        targets = [_targets(told, what, len(moves), where) for what in ("visits", "values")]
        return ExternalGame(moves, scores, winners, ended, *targets)

    def _replayed(self, games: list[ExternalGame], out: Path) -> None:
        if self.rules is None or not games:
            return
        found = replay(self.rules, [game.moves for game in games])
        scores = self.rules.scores(found.state).t().tolist()
        for number, game in enumerate(games):
            where = f"{out.name} game {number + 1}"
            _require(found.faults[number] is None, f"{where}: {found.faults[number]}")
            if game.termination == "resign":
                continue
            _require(
                list(game.scores) == scores[number], f"{where}: the scores are {scores[number]}"
            )
            natural = game.termination == "natural"
            _require(found.done[number] == natural, f"{where}: it does not end as it says")


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise ExternalGameFailed(words)


def _whole(told: dict[str, Any], what: str, where: str) -> tuple[int, ...]:
    numbers = told.get(what)
    fits = isinstance(numbers, list) and all(type(number) is int for number in numbers)
    _require(fits, f"{where}: {what} is no list of whole numbers")
    return tuple(numbers or ())


def _targets(told: dict[str, Any], what: str, moves: int, where: str) -> tuple[Any, ...] | None:
    entries = told.get(what)
    if entries is None:
        return None
    _require(
        isinstance(entries, list) and len(entries) == moves, f"{where}: {what} is no entry a move"
    )
    return tuple(entries)


def _waited(process: subprocess.Popen[bytes], stopping: Callable[[], bool], grace_s: float) -> bool:
    """Waits for the end; whether it was ended here."""
    while process.poll() is None:
        if stopping():
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(grace_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            return True
        time.sleep(0.02)
    return False


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-TAIL:].strip()
