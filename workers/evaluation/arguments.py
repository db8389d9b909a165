"""What the command takes."""

import argparse
from collections.abc import Sequence
from pathlib import Path

VERBS = ("gate", "gauntlet", "strength", "ratings", "history", "rollback")
_PLAYERS = "random, greedy, positional, mcts:N, policy:CKPT, puct:N:CKPT; CKPT is a checkpoint's name, latest or best"


def with_verb(words: Sequence[str]) -> list[str]:
    """The gate where no verb is said."""
    asks = {"-h", "--help"} & set(words)
    return list(words) if asks or set(words) & set(VERBS) else ["gate", *words]


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m workers.evaluation",
        description="Measures networks, promotes the better one, and shows the ratings. Without a verb: gate.",
    )
    verbs = found.add_subparsers(dest="verb", required=True, metavar="VERB")
    _gate(verbs.add_parser("gate", help="latest against best; promotes on accept"))
    _gauntlet(verbs.add_parser("gauntlet", help="one player against others"))
    _strength(verbs.add_parser("strength", help="raw policies against random and greedy"))
    _where(verbs.add_parser("ratings", help="the ladder, fitted to all matches"))
    _where(verbs.add_parser("history", help="what was best, when, and why"))
    rollback = verbs.add_parser("rollback", help="best is again what it was before")
    _where(rollback)
    rollback.add_argument("--reason", default="", metavar="TEXT", help="kept in the history")
    return found


def _gate(verb: argparse.ArgumentParser) -> None:
    _where(verb)
    _how(verb)
    _search(verb, "puct")
    verb.add_argument("--elo0", type=float, default=0.0, help="not worth promoting (0)")
    verb.add_argument("--elo1", type=float, default=35.0, help="worth promoting (35)")
    verb.add_argument("--alpha", type=float, default=0.05, help="rate of false accepts (0.05)")
    verb.add_argument("--beta", type=float, default=0.05, help="rate of false rejects (0.05)")
    verb.add_argument("--min-games", type=int, default=64, metavar="N")
    verb.add_argument("--max-games", type=int, default=800, metavar="N")
    verb.add_argument(
        "--forever", action="store_true", help="wait for the next candidate, and the next"
    )


def _gauntlet(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("players", nargs="+", metavar="PLAYER", help=_PLAYERS)
    _where(verb)
    _how(verb)
    verb.add_argument("--num-games", type=_positive, default=200, metavar="N", help="a pair (200)")
    verb.add_argument(
        "--all-pairs", action="store_true", help="everybody against everybody, not the first"
    )


def _strength(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "checkpoints", nargs="*", metavar="CKPT", help="names, latest or best (first and latest)"
    )
    _where(verb)
    _how(verb)
    _search(verb, "policy")
    verb.add_argument("--num-games", type=_positive, default=200, metavar="N", help="a pair (200)")


def _where(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--game", default="reversi", help="or ataxx, or module:Class (reversi)")
    verb.add_argument("--board", default="square8")
    verb.add_argument("--num-players", type=int, default=2, metavar="N")
    verb.add_argument("--models", type=Path, default=Path("data/models"), metavar="DIR")
    verb.add_argument("--matches", type=Path, default=Path("data/matches"), metavar="DIR")
    verb.add_argument("--json", action="store_true", help="one JSON object on standard output")
    verb.add_argument("--grace", type=float, default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def _how(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--batch-size", type=_positive, default=128, metavar="N", help="games in lock-step (128)"
    )
    verb.add_argument(
        "--opening-plies", type=_number, default=None, metavar="N", help="random ones (4 a seat)"
    )
    verb.add_argument("--seed", type=int, default=None, help="of openings and games (random)")
    verb.add_argument("--threads", type=_positive, default=None, metavar="N", help="(auto)")
    verb.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1")


def _search(verb: argparse.ArgumentParser, default: str) -> None:
    verb.add_argument(
        "--search", choices=("puct", "policy"), default=default, help=f"how both play ({default})"
    )
    verb.add_argument("--sims", type=_positive, default=32, metavar="N", help="of puct (32)")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return number


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number
