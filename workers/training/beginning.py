"""From the command line to a trainer that can begin, or go on from its newest good checkpoint."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.games.game import GameError, TensorGame
from workers.games.loading import load_game
from workers.harness import Misconfigured, Worker
from workers.network import architecture
from workers.network.checkpoint import read_architecture
from workers.network.places import model_folder
from workers.training import resuming
from workers.training.data import Data, Source
from workers.training.loop import Options, Trainer
from workers.training.ranks import Ranks
from workers.training.settings import Settings
from workers.training.telemetry import Telemetry
from workers.training.validation import Validation

_NEW = "32x2"


@contextmanager
def begin(
    worker: Worker, arguments: argparse.Namespace, ranks: Ranks, folders: tuple[Path, ...]
) -> Iterator[Trainer]:
    """Alone at work on its configuration's models. Raises Misconfigured, CorruptData, OSError."""
    options = _options(arguments)
    game = _game(arguments)
    folder = model_folder(arguments.models, game.key)
    say = worker.log if ranks.leads else _nothing
    with resuming.alone(folder, ranks, say):
        telemetry = Telemetry(worker, folder, ranks, arguments.tensorboard)
        try:
            path = resuming.newest_good(folder, game, ranks, say)
            settings = _settings(arguments, game, path)
            _check(settings, ranks)
            data = Data(Source(folders, game), settings, ranks)
            if path is None:
                run = resuming.start(game, settings, ranks)
                say(f"a new network {settings.architecture} for {game.key}, in {folder.absolute()}")
            else:
                run, cursor, changes = resuming.go_on(
                    path, game, settings, ranks, arguments.allow_changes
                )
                data.restore(cursor)
                say(f"goes on from {path.name}, step {run.step}")
                for change in changes:
                    say(f"changed: {change}")
            data.look()
            telemetry.say(
                models=str(folder.absolute()),
                data=[str(path.absolute()) for path in folders],
                games=data.listing.seen,
                ranks=ranks.world,
                device=str(ranks.device),
                done=run.step,
                total=options.steps,
            )
            yield Trainer(
                worker, ranks, settings, options, folder, data, run, telemetry, Validation(game)
            )
        finally:
            telemetry.close()


def _nothing(_: str) -> None:
    pass


def _game(arguments: argparse.Namespace) -> TensorGame:
    """On the CPU, where games are replayed whatever computes the network."""
    try:
        return load_game(arguments.game, arguments.board, arguments.num_players)
    except GameError as error:
        raise Misconfigured(str(error)) from error


def _options(arguments: argparse.Namespace) -> Options:
    """Each under its own name. Raises Misconfigured."""
    found = Options(**{name: getattr(arguments, name) for name in Options._fields})
    counts = (found.checkpoint_steps, found.log_steps, found.validate_steps, found.patience)
    if min(counts) < 1 or (found.steps is not None and found.steps < 1):
        raise Misconfigured(
            "--steps, --checkpoint-steps, --log-steps, --validate-steps, --patience: 1 or more"
        )
    return found


def _settings(arguments: argparse.Namespace, game: TensorGame, path: Path | None) -> Settings:
    """Each under its own name; the network's is the checkpoint's where nothing was asked."""
    asked = arguments.architecture or (read_architecture(path) if path else _NEW)
    named = set(Settings._fields) - {"game", "rules", "board", "players", "architecture"}
    return Settings(
        game.name,
        game.rules,
        game.board,
        game.players,
        str(architecture.parse(str(asked))),
        **{name: getattr(arguments, name) for name in named},
    )


def _check(settings: Settings, ranks: Ranks) -> None:
    """Raises Misconfigured for numbers that cannot be."""
    if settings.batch_size < 1 or settings.batch_size % ranks.world:
        raise Misconfigured(
            f"--batch-size {settings.batch_size} is of all {ranks.world} ranks together, the same for each"
        )
    if not 0 <= settings.held_out < 1:
        raise Misconfigured(f"--held-out {settings.held_out:g}: a share from 0 to below 1")
    positive = {
        "reuse": settings.reuse,
        "learning-rate": settings.learning_rate,
        "clip": settings.clip,
    }
    for name, value in positive.items():
        if not value > 0:
            raise Misconfigured(f"--{name} {value:g}: above 0")
    if (
        not 0 <= settings.ema < 1
        or min(settings.warmup_steps, settings.schedule_steps, settings.mix) < 0
    ):
        raise Misconfigured(
            "--ema from 0 to below 1; --warmup-steps, --schedule-steps, --mix: 0 or more"
        )
