"""Games that a command plays, in batches: our journal, status and stop around it."""

import argparse
import tempfile
import time
from pathlib import Path

from workers.games import GameError, TensorGame, load_game
from workers.games.external import ExternalCommand, ExternalGame, ExternalGameFailed
from workers.harness import CorruptData, Misconfigured, Worker
from workers.records import GameRecord, Journal, game_id
from workers.selfplay.arguments import number_or_auto
from workers.selfplay.finished import Origin
from workers.selfplay.progress import Progress
from workers.selfplay.seeds import seeds_for
from workers.selfplay.setting import new_uuid, opened

_BATCH = 100  # games a call: what a crash of the command may cost
_GRACE_SHARE = 0.5  # of what is left, for the command; the rest is for its games


def play_external(worker: Worker, arguments: argparse.Namespace) -> None:
    """Until the games are played, or it is stopped or drained. Raises WorkerError, OSError.

    Where the game is one that we know, each game is replayed and must keep its rules.
    """
    name = new_uuid()
    rules = _rules(worker, arguments)
    try:
        command = ExternalCommand(arguments.command, arguments.board, arguments.num_players, rules)
    except ExternalGameFailed as error:
        raise Misconfigured(str(error)) from error
    with (
        opened(worker, arguments, arguments.board, arguments.num_players, name) as journal,
        tempfile.TemporaryDirectory(prefix="quarterdeck-games-") as folder,
    ):
        batches = Batches(worker, arguments, command, journal, name, Path(folder))
        batches.play(None if arguments.forever else arguments.num_games)


class Batches:
    """Calls of the command, one after the other."""

    def __init__(
        self,
        worker: Worker,
        arguments: argparse.Namespace,
        command: ExternalCommand,
        journal: Journal,
        name: str,
        folder: Path,
    ) -> None:
        self._worker, self._command, self._journal = worker, command, journal
        self._folder, self._grace = folder, arguments.grace
        self._progress = Progress(
            worker, journal, arguments.num_players, _total(arguments), arguments.output
        )
        self._size = number_or_auto(arguments.batch_size, "--batch-size") or _BATCH
        self._seeds = seeds_for(worker.run_id, name, worker.name, arguments.seed)
        rules = command.rules.rules if command.rules else f"{arguments.game}/external"
        self._origin = Origin(
            arguments.game, arguments.board, arguments.num_players, rules, "external", name
        )
        worker.say(search="external", command=arguments.command, writer=name)

    def play(self, limit: int | None) -> None:
        """``limit`` None: until stopped or drained."""
        number = played = 0
        while not self._worker.ending and (limit is None or played < limit):
            games = self._size if limit is None else min(self._size, limit - played)
            self._progress.say(f"the command plays {games} games", now=True)
            played += self._batch(games, number)
            number += 1
        self._journal.seal()
        self._progress.say("the command has ended", now=True)

    def _batch(self, games: int, number: int) -> int:
        """How many it played. Raises CorruptData where it failed or wrote what is no game."""
        began, seed = time.time(), self._seeds.of(number)
        out = self._folder / f"games-{number}.jsonl"
        try:
            found = self._command.play(games, seed, out, self._stopping, self._grace_s())
        except ExternalGameFailed as error:
            raise CorruptData(f"the command: {error}") from error
        took = (time.time() - began) / max(1, len(found))
        for game in found:
            record = record_of_external(game, self._origin, seed, began, took)
            self._journal.append(record)
            self._progress.count_game(record)
        out.unlink(missing_ok=True)
        return len(found)

    def _stopping(self) -> bool:
        self._journal.tick()
        self._progress.say("the command plays")
        return self._worker.stopping

    def _grace_s(self) -> float:
        return float(min(self._worker.grace_left_s, self._grace)) * _GRACE_SHARE


def record_of_external(
    game: ExternalGame, origin: Origin, seed: int, began: float, took_s: float
) -> GameRecord:
    """``seed`` and ``began`` are those of its batch."""
    moves = list(game.moves)
    return GameRecord(
        version=1,
        id=game_id(origin.game, origin.board, origin.players, origin.rules, moves),
        game=origin.game,
        board=origin.board,
        players=origin.players,
        rules=origin.rules,
        seed=seed,
        moves=game.moves,
        visits=game.visits or (),
        values=tuple(None if value is None else tuple(value) for value in game.values or ()),
        scores=game.scores,
        winners=game.winners,
        termination=game.termination,
        plies=len(moves),
        network="",
        search=origin.search,
        worker=origin.worker,
        start=began,
        duration_s=round(took_s, 3),
    )


def _total(arguments: argparse.Namespace) -> int | None:
    return None if arguments.forever else int(arguments.num_games)


def _rules(worker: Worker, arguments: argparse.Namespace) -> TensorGame | None:
    """None, and said so, for a game that only the command knows."""
    try:
        return load_game(arguments.game, arguments.board, arguments.num_players)
    except GameError:
        worker.log(f"{arguments.game} is not known here: its games are kept without a replay")
        return None
