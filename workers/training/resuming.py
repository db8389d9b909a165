"""A training run as it is alive, how it begins or goes on, and how it is kept."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from workers.games.game import TensorGame
from workers.harness import CorruptData, Misconfigured
from workers.network import architecture, pointers
from workers.network.checkpoint import (
    TrainingState,
    load_checkpoint,
    load_training,
    remove_checkpoint,
    save_checkpoint,
    sweep_unfinished,
)
from workers.network.fallback import load_pointed
from workers.network.metadata import meta_of
from workers.network.network import Network, build
from workers.network.places import checkpoint_names, checkpoint_path
from workers.training.optimizer import Average, Diverged, adamw, from_tensors, to_tensors
from workers.training.ranks import Ranks
from workers.training.settings import Settings, check_same

_SCHEMA = 1


@dataclass
class Run:
    """What a step changes. ``skipped`` counts the non-finite steps, ``in_a_row`` the last of them."""

    network: Network
    optimizer: torch.optim.AdamW
    average: Average
    step: int = 0
    sample_steps: int = 0
    skipped: int = 0
    in_a_row: int = 0
    parent: str = ""
    saved_step: int = 0

    def counters(self) -> dict[str, Any]:
        return {
            name: getattr(self, name) for name in ("step", "sample_steps", "skipped", "in_a_row")
        }


@contextmanager
def alone(folder: Path, ranks: Ranks, say: Callable[[str], None]) -> Iterator[None]:
    """Two trainers would overwrite each other's ``latest``. Raises Misconfigured where another is at work."""
    if not ranks.leads:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".trainer.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise Misconfigured(
                f"{folder.absolute()}: another trainer is at work there, process {lock.read().strip()}"
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        if swept := sweep_unfinished(folder):
            say(f"removed {swept} unfinished checkpoint(s) of a trainer that died")
        yield


def newest_good(
    folder: Path, game: TensorGame, ranks: Ranks, say: Callable[[str], None]
) -> Path | None:
    """The checkpoint to go on from, found by rank 0 for all. None where there is none yet. Raises CorruptData
    where none is good, Misconfigured where it is another game's."""

    def load(path: Path) -> str:
        load_checkpoint(path, game)
        load_training(path)
        return path.name

    name = load_pointed(folder, "latest", load, say) if ranks.leads else None
    name = ranks.share(name)
    return checkpoint_path(folder, name) if name else None


def start(game: TensorGame, settings: Settings, ranks: Ranks) -> Run:
    """A new network: the same one for the same seed."""
    torch.manual_seed(settings.seed)
    network = build(game, architecture.parse(settings.architecture)).to(ranks.device)
    return Run(network, adamw(network, settings), Average(network, settings.ema))


def go_on(
    path: Path, game: TensorGame, settings: Settings, ranks: Ranks, allow_changes: bool
) -> tuple[Run, dict[str, Any], list[str]]:
    """The run as it was there, the cursor over its data, and what is set otherwise than then. Raises
    Misconfigured for other settings, CorruptData."""
    loaded, training = load_checkpoint(path, game, ranks.device), load_training(path)
    state = _known(training, path)
    changes = check_same(state["settings"], settings, allow_changes)
    run = start(game, settings, ranks)
    from_tensors(training.tensors, run.network, run.optimizer)
    run.average = Average(loaded.network, settings.ema)
    for name, value in state["counters"].items():
        setattr(run, name, int(value))
    run.parent, run.saved_step = loaded.hash, run.step
    return run, state["data"], changes


def _known(training: TrainingState, path: Path) -> dict[str, Any]:
    if training.state.get("schema") != _SCHEMA:
        raise Misconfigured(
            f"{path}: state of training {training.state.get('schema')}; this reads {_SCHEMA}"
        )
    return training.state


def keep(
    run: Run, folder: Path, game: TensorGame, settings: Settings, data: dict[str, Any], seen: int
) -> str:
    """Writes a checkpoint, points ``latest`` at it, and gives its name. Raises OSError, and Diverged where the
    weights are no numbers any more."""
    for name, tensor in run.average.tensors.items():
        if not bool(tensor.isfinite().all()):
            raise Diverged(f"step {run.step}: {name} holds what is no number; nothing was kept")
    meta = meta_of(
        game,
        run.network.architecture,
        run.step,
        watermark=seen,
        parent=run.parent,
        config=settings.digest(),
    )
    state = {
        "schema": _SCHEMA,
        "counters": run.counters(),
        "seed": settings.seed,  # all chance is drawn from it and the cursor
        "config": settings.digest(),
        "settings": settings._asdict(),
        "data": data,
    }
    kept = save_checkpoint(
        folder, run.average.tensors, meta, to_tensors(run.network, run.optimizer), state
    )
    _point(folder, kept.name, f"step {run.step}")
    run.parent, run.saved_step = kept.hash, run.step
    return kept.name


def _point(folder: Path, name: str, reason: str) -> None:
    """Nobody else moves ``latest``; a damaged pointer makes room."""
    try:
        before = pointers.read_pointer(folder, "latest")
    except CorruptData:
        os.replace(folder / "latest", folder / "latest.damaged")
        before = None
    if before != name and not pointers.swap_pointer(folder, "latest", before, name, reason):
        raise Misconfigured(f"{folder}: somebody else moves the pointer latest")


def prune(folder: Path, newest: int) -> list[str]:
    """Removes all checkpoints but the newest, those that a pointer names, and those that ever were best."""
    if newest <= 0:
        return []
    named = {pointers.read_pointer(folder, name) for name in pointers.POINTERS}
    named |= {change.after for change in pointers.history(folder, "best")}
    names = [name for name in checkpoint_names(folder)[newest:] if name not in named]
    for name in names:
        remove_checkpoint(folder, name)
    return names
