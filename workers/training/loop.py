"""The training loop, from the first step to the last checkpoint."""

import math
import time
from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import nn

from workers.harness import NoDataYet, Worker
from workers.training import acts
from workers.training.data import Data
from workers.training.losses import losses
from workers.training.optimizer import advance, rate_at
from workers.training.precision import computes_in_bfloat16
from workers.training.ranks import Ranks
from workers.training.resuming import Run
from workers.training.settings import Settings
from workers.training.telemetry import Telemetry
from workers.training.validation import Validation


class Options(NamedTuple):
    """How long and how; none of it changes what is learned from the same data."""

    steps: int | None = None
    forever: bool = False
    checkpoint_steps: int = 500
    checkpoint_seconds: float = 300.0
    keep: int = 20
    log_steps: int = 20
    validate_steps: int = 200
    look_seconds: float = 30.0
    patience: int = 10
    compile: bool = False


class Trainer(NamedTuple):
    """All that the loop works with; ``folder`` is ``<models>/<board>_<n>p``."""

    worker: Worker
    ranks: Ranks
    settings: Settings
    options: Options
    folder: Path
    data: Data
    run: Run
    telemetry: Telemetry
    validation: Validation


def train(trainer: Trainer) -> None:
    """Until the steps that were asked for, until the data are used up, or until it is told to end; what was
    learned is in a checkpoint then. Raises NoDataYet where there are too few data for the steps asked,
    Diverged, CorruptData, OSError."""
    worker, ranks, settings, options, _, data, run, telemetry, _ = trainer
    network = cast(nn.Module, torch.compile(run.network)) if options.compile else run.network
    model = ranks.wrap(network).train()
    first, saved_at, looked_at = run.step, time.monotonic(), time.monotonic()
    short, ending = "", False
    lower = computes_in_bfloat16(settings.dtype, ranks.device)
    while not ending and (options.steps is None or run.step < options.steps):
        short = acts.shortage(trainer)
        if short and not options.forever:
            break
        if short:
            ending = acts.wait_for_data(trainer, short)
            continue

        batch = data.next().to(ranks.device)
        with torch.autocast(ranks.device.type, torch.bfloat16, lower):
            policy, value = model(batch.features)
        found = losses(policy, value, batch, settings.value_weight)
        torch.autograd.backward(found.total)
        norm = advance(run.optimizer, run.network, rate_at(run.step, settings), settings.clip)
        run.step += 1
        run.sample_steps += settings.batch_size
        if math.isfinite(norm):
            run.in_a_row = 0
            run.average.follow(run.network, run.step)
            telemetry.count(found, norm, settings.batch_size)
        else:
            acts.skip(trainer, norm)

        if run.step % options.log_steps == 0:
            acts.report(trainer)
        if run.step % options.validate_steps == 0:
            acts.validate(trainer)
        now = time.monotonic()
        asked = worker.take_checkpoint_request() or now - saved_at >= options.checkpoint_seconds
        look = now - looked_at >= options.look_seconds
        ending, asked, look = ranks.any((worker.ending, asked, look))
        if asked or run.step - run.saved_step >= options.checkpoint_steps:
            acts.checkpoint(trainer)
            saved_at = now
        if look:
            data.look()
            looked_at = now
    acts.report(trainer)
    acts.checkpoint(trainer)
    used_up = options.steps is None and run.step > first
    if short and not ending and not used_up:
        raise NoDataYet(short)
