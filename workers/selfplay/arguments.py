"""The command line of self-play."""

import argparse
import math
from pathlib import Path

from workers.harness import Misconfigured


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="quarterdeck-worker selfplay",
        description="Plays games against itself and writes them durably.",
        epilog="Exit codes: 0 done or drained, 3 no network yet, 4 configuration, 5 a damaged network, 6 no "
        "disk, 143 or 130 stopped. Every game that was told durable is kept, whatever ends it.",
    )
    _what(found.add_argument_group("what"))
    _how(found.add_argument_group("how moves are found"))
    _records(found.add_argument_group("records"))
    _machine(found.add_argument_group("machine"))
    return found


def _what(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--game", default="reversi", help="reversi, ataxx, an entry point or module:Class"
    )
    group.add_argument("--board", default="square8")
    group.add_argument("--num-players", type=int, default=2)
    many = group.add_mutually_exclusive_group()
    many.add_argument("--num-games", type=_above_zero, default=1000, metavar="N", help="(1000)")
    many.add_argument("--forever", action="store_true", help="until it is stopped or drained")
    group.add_argument(
        "--max-moves",
        default="auto",
        metavar="N",
        help="plies after which a game ends (the game's)",
    )
    group.add_argument(
        "--command",
        metavar="LINE",
        help="a command that plays the games itself, with {board}, {players}, {games}, {seed}, {out}",
    )


def _how(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--search", default="puct", help="puct, policy, random, greedy (puct)")
    group.add_argument("--sims", type=_above_zero, default=32, metavar="N", help="of puct (32)")
    group.add_argument(
        "--playout-cap",
        metavar="SHARE:N",
        help="search only this share of moves in full; the others with N simulations, without noise, and not "
        "as targets (0.25:8)",
    )
    group.add_argument(
        "--net",
        default="best",
        metavar="WHICH",
        help="best, latest, a checkpoint's name or path; fresh: an untrained one; best-or-fresh: that until there "
        "is a best; none: moves all alike (best)",
    )
    group.add_argument("--models", type=Path, default=Path("data/models"))
    group.add_argument(
        "--architecture", default="32x2", metavar="CxB", help="of a fresh network (32x2)"
    )
    group.add_argument(
        "--temperature-plies", type=int, default=16, metavar="N", help="drawn, then the best (16)"
    )
    group.add_argument(
        "--seed",
        type=int,
        help="the same games again, with the same batch size and dtype (else each run its own)",
    )


def _records(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--output", type=Path, default=Path("data/selfplay"), metavar="FOLDER")
    group.add_argument(
        "--fsync", default="game", metavar="WHEN", help="game, group:N,S (games, seconds), none"
    )
    group.add_argument("--seal-games", type=_above_zero, default=500, metavar="N")
    group.add_argument("--seal-seconds", type=float, default=300.0, metavar="S")


def _machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--batch-size", default="auto", metavar="N", help="games at a time (auto)")
    group.add_argument("--threads", default="auto", metavar="N")
    group.add_argument(
        "--local-workers", type=_above_zero, default=1, metavar="N", help="that share the cores (1)"
    )
    group.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 (auto)")
    group.add_argument("--dtype", default="auto", choices=("auto", "float32", "bfloat16"))


def search_name(arguments: argparse.Namespace) -> str:
    """`puct:32`, `policy`, …"""
    name: str = arguments.search
    return f"{name}:{arguments.sims}" if name == "puct" else name


def number_or_auto(text: str, flag: str) -> int | None:
    """None for auto. Raises Misconfigured for what is no number above 0."""
    if text == "auto":
        return None
    if not text.isdigit() or int(text) < 1:
        raise Misconfigured(f"{flag} {text!r}: auto, or a number above 0")
    return int(text)


def playout_cap(text: str | None) -> tuple[float, int] | None:
    """(share of full searches, simulations of the others). Raises Misconfigured."""
    if text is None:
        return None
    share, _, simulations = text.partition(":")
    try:
        found = float(share), int(simulations)
    except ValueError:
        found = math.nan, 0
    if not 0 < found[0] <= 1 or found[1] < 1:
        raise Misconfigured(f"--playout-cap {text!r}: SHARE:N, as 0.25:8")
    return found


def _above_zero(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number
