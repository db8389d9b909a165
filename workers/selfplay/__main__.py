"""``python -m workers.selfplay``: plays games against itself until it is told to end."""

import argparse
import sys
from collections.abc import Sequence

from workers.harness import Worker, tune_allocator
from workers.harness import main as run_worker
from workers.selfplay.arguments import parser


def main(argv: Sequence[str] | None = None) -> int:
    """Its exit code."""
    return run_worker("selfplay", "game", _run, parser(), argv)


def _run(worker: Worker, arguments: argparse.Namespace) -> None:
    tune_allocator()
    if arguments.command:
        from workers.selfplay.external import play_external

        play_external(worker, arguments)
    else:
        from workers.selfplay.play import play

        play(worker, arguments)


if __name__ == "__main__":
    sys.exit(main())
