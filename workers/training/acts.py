"""What the loop does beside its steps: waits for data, skips, reports, validates and keeps checkpoints."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from torch import Tensor
from torch.func import functional_call

from workers.training import resuming
from workers.training.optimizer import Diverged, rate_at

if TYPE_CHECKING:
    from workers.training.data import Data
    from workers.training.loop import Trainer

_PAUSE_S = 1.0


def shortage(trainer: Trainer) -> str:
    """Why there is nothing to learn from now, "" where there is: the gate, its value and its limit. Raises
    CorruptData where games must not be learned from."""
    data, run, settings = trainer.data, trainer.run, trainer.settings
    if not data.ready():
        return _nothing(data)
    need = math.ceil((run.sample_steps + settings.batch_size) / settings.reuse)
    if data.there >= need:
        return ""
    return (
        f"waiting for data, have {data.there}/need {need} samples "
        f"(at most {settings.reuse:g} sample-steps each)"
    )


def _nothing(data: Data) -> str:
    """What is there instead of samples."""
    shards, held = len(data.listing.training), len(data.listing.held_out)
    if shards:
        return f"no data yet: {shards} shards without a policy target of {data.source.words}"
    apart = f"; {held} held out (--held-out 0 takes all)" if held else ""
    games = data.source.unsealed()
    unsealed = (
        f"; {games} games in open journals, sealed after 500 games or 5 minutes" if games else ""
    )
    return f"no data yet: no sealed shards of {data.source.words}{apart}{unsealed}"


def wait_for_data(trainer: Trainer, short: str) -> bool:
    """Until there are enough; True where it was told to end first. What was learned is safe meanwhile."""
    worker, options = trainer.worker, trainer.options
    began = looked_at = time.monotonic()
    report(trainer)
    checkpoint(trainer)
    trainer.telemetry.log(short)
    while short:
        now = time.monotonic()
        why = f"{short}, for {now - began:.0f} s"
        trainer.telemetry.say(
            phase="waiting", message=short, blocked_because=why, rate_per_minute=0
        )
        look = now - looked_at >= options.look_seconds
        ending, asked, look = trainer.ranks.any(
            (worker.wait(_PAUSE_S), worker.take_checkpoint_request(), look)
        )
        if ending:
            return True
        if asked:
            checkpoint(trainer)
        if look:
            trainer.data.look()
            looked_at, short = now, shortage(trainer)
    trainer.telemetry.say(phase="train", blocked_because=None)
    trainer.telemetry.restart_clock()
    return False


def skip(trainer: Trainer, norm: float) -> None:
    """A step whose gradient is no number changed nothing. Raises Diverged after too many in a row."""
    run, patience = trainer.run, trainer.options.patience
    run.skipped += 1
    run.in_a_row += 1
    text = f"step {run.step}: skipped, its gradient is {norm} ({run.in_a_row} in a row)"
    trainer.telemetry.log(text)
    trainer.telemetry.say(health=f"{run.skipped} steps skipped", skipped=run.skipped)
    if run.in_a_row >= patience:
        raise Diverged(
            f"{text}; try a lower --learning-rate from the last checkpoint, or --dtype float32"
        )


def report(trainer: Trainer) -> None:
    """The curves since the last report, and the status."""
    data, run = trainer.data, trainer.run
    trainer.telemetry.report(
        run.step,
        trainer.options.steps,
        **{
            "learning_rate": rate_at(max(0, run.step - 1), trainer.settings),
            "data/games": float(data.listing.seen),
            "data/samples": float(data.there),
            "data/reuse": run.sample_steps / max(1, data.there),
            "skipped": float(run.skipped),
        },
    )
    trainer.telemetry.say(
        epoch=data.plan.epoch,
        games=data.listing.seen,
        window=data.windowed,
        held_out=sum(entry.games for entry in data.listing.held_out),
        reuse=round(run.sample_steps / max(1, data.there), 2),
        missing=len(data.missing),
    )


def validate(trainer: Trainer) -> None:
    """The held-out games, by the weights that play, on rank 0."""
    run, ranks = trainer.run, trainer.ranks
    if not ranks.leads:
        return

    def averaged(features: Tensor) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = functional_call(
            run.network, run.average.tensors, (features,)
        )
        return found

    found = trainer.validation.measure(averaged, trainer.data.listing.held_out, ranks.device)
    trainer.telemetry.points(run.step, found)
    if found:
        trainer.telemetry.say(**{name.replace("/", "_"): round(v, 4) for name, v in found.items()})


def checkpoint(trainer: Trainer) -> None:
    """By rank 0, where there is anything new. Raises OSError, Diverged."""
    run, data, folder = trainer.run, trainer.data, trainer.folder
    if run.step == run.saved_step:
        return
    if not trainer.ranks.leads:
        run.saved_step = run.step
        return
    seen = data.listing.seen
    name = resuming.keep(run, folder, data.source.game, trainer.settings, data.as_json(), seen)
    resuming.prune(folder, trainer.options.keep)
    trainer.telemetry.log(f"step {run.step}: checkpoint {name}")
    trainer.telemetry.say(checkpoint=name, checkpoint_step=run.step)
