"""``python -m workers.training``: learns from recorded games until it is told to end."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from workers import contract
from workers.harness import Misconfigured, Worker, cpu_threads, tune_allocator
from workers.harness import main as run_worker
from workers.training.arguments import parser

_DATA = Path("data/selfplay")


def main(argv: Sequence[str] | None = None) -> int:
    """Its exit code."""
    from workers.training.ranks import is_follower

    if is_follower(os.environ):  # one status for all ranks, and rank 0 writes it
        for name in (contract.STATUS, contract.METRICS):
            os.environ.pop(name, None)
    return run_worker("train", "step", _run, parser(), argv, checkpoints=True)


def _run(worker: Worker, arguments: argparse.Namespace) -> None:
    tune_allocator()
    from workers.training.beginning import begin
    from workers.training.loop import train
    from workers.training.ranks import joined

    _set_threads(arguments.threads)
    with joined(arguments.device, worker) as ranks:
        if ranks is None:
            return
        with begin(worker, arguments, ranks, folders(arguments)) as trainer:
            train(trainer)


def folders(arguments: argparse.Namespace) -> tuple[Path, ...]:
    return tuple(arguments.data or [_DATA])


def _set_threads(asked: str) -> None:
    """torch's own default takes every core, and so does its neighbour's. Raises Misconfigured."""
    import torch

    if asked == "auto":
        torch.set_num_threads(cpu_threads(int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
    elif asked.isdigit() and int(asked) > 0:
        torch.set_num_threads(int(asked))
    else:
        raise Misconfigured(f"--threads {asked!r}: auto, or a number above 0")


if __name__ == "__main__":
    sys.exit(main())
