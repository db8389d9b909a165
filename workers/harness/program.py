"""Runs one of our commands: its arguments, its signals, and the exit code of the contract."""

import argparse
import errno
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence

from workers import contract
from workers.harness.errors import WorkerError
from workers.harness.worker import Worker

Run = Callable[[Worker, argparse.Namespace], "int | None"]


def main(
    kind: str,
    unit: str,
    run: Run,
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None = None,
    checkpoints: bool = False,
) -> int:
    """The exit code of ``run(worker, arguments)``; ``checkpoints``: SIGUSR1 asks for one.

    ``unit`` is what the status counts ("game"). A command that a signal ended gives 128 + its number,
    whatever it returned; one that was drained gives what it returned, or 0.
    """
    parser.add_argument(
        "--grace", type=float, default=10.0, metavar="S", help="seconds from a stop to the end (10)"
    )
    arguments = _parse(parser, argv)
    if arguments is None:
        return contract.EXIT_CONFIGURATION
    worker = Worker(unit, arguments.grace)
    worker.say(phase=kind)
    if threading.current_thread() is threading.main_thread():
        _listen(worker, checkpoints)
    worker.open()
    try:
        code = _outcome(worker, run, arguments)
    finally:
        worker.close()
    return code


def _parse(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None
) -> argparse.Namespace | None:
    """None where the arguments are refused: argparse has said why, and 2 is no code of the contract."""
    try:
        return parser.parse_args(argv)
    except SystemExit as end:
        if end.code in (0, None):
            raise
        return None


def _listen(worker: Worker, checkpoints: bool) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: worker.stop(number))
    if checkpoints:
        signal.signal(signal.SIGUSR1, lambda *_: worker.ask_for_checkpoint())


def _outcome(worker: Worker, run: Run, arguments: argparse.Namespace) -> int:
    try:
        code = run(worker, arguments) or contract.EXIT_DONE
    except WorkerError as error:
        return _failed(worker, error.code, str(error), error.phase)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            place = f"{error.filename}: " if error.filename else ""
            return _failed(worker, contract.EXIT_NO_DISK, f"{place}{error.strerror}")
        return _unexpected(worker, error)
    except Exception as error:  # the outer edge: whatever it was is said, with where it came from
        return _unexpected(worker, error)
    if worker.signal is not None:
        return 128 + worker.signal
    worker.say(phase="done" if code == contract.EXIT_DONE else "ended", blocked_because=None)
    return code


def _unexpected(worker: Worker, error: Exception) -> int:
    traceback.print_exception(error)
    return _failed(worker, 1, f"{type(error).__name__}: {error}")


def _failed(worker: Worker, code: int, text: str, phase: str = "failed") -> int:
    print(f"error: {text}", file=sys.stderr, flush=True)
    waits = code == contract.EXIT_WAITING
    worker.say(
        phase=phase,
        message=text,
        health="ok" if waits else contract.EXIT_WORDS.get(code, "failed"),
        blocked_because=text if waits else None,
    )
    return code
