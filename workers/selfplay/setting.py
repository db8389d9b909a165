"""What the flags ask of the machine, and what of the disk."""

import argparse
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from workers.games import GameError, TensorGame, load_game
from workers.harness import Misconfigured, Worker, cpu_threads
from workers.records import Journal, recover
from workers.selfplay.arguments import number_or_auto


def chosen_device(asked: str) -> str:
    """Raises Misconfigured for one that is not here."""
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=asked)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise Misconfigured(f"--device {asked!r} cannot be used: {reason}") from error
    return asked


def set_threads(asked: str, local_workers: int) -> int:
    """torch's own default takes every core, and so does its neighbour's. Raises Misconfigured."""
    threads = number_or_auto(asked, "--threads") or cpu_threads(local_workers)
    torch.set_num_threads(threads)
    return threads


def wanted_game(arguments: argparse.Namespace, device: str) -> TensorGame:
    """Raises Misconfigured."""
    try:
        return load_game(arguments.game, arguments.board, arguments.num_players, device)
    except GameError as error:
        raise Misconfigured(str(error)) from error


def new_uuid() -> str:
    """Of this process as a writer of records."""
    return str(uuid.uuid4())


@contextmanager
def opened(
    worker: Worker, arguments: argparse.Namespace, board: str, players: int, name: str
) -> Iterator[Journal]:
    """The journal of writer ``name``, sealed at the end, after what dead writers left was recovered.

    Raises OSError, Misconfigured.
    """
    found = recover(arguments.output)
    if found.recovered or found.torn or found.damaged:
        worker.log(f"dead writers' journals: {found}")
    for reason in found.refused:
        worker.log(f"not recovered: {reason}")
    worker.say(recovered=found.recovered, torn=found.torn)
    journal = Journal(
        arguments.output,
        board,
        players,
        name,
        fsync=arguments.fsync,
        seal_games=arguments.seal_games,
        seal_s=arguments.seal_seconds,
    )
    try:
        yield journal
    finally:
        journal.close()
