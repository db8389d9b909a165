"""The command line of the trainer."""

import argparse
from pathlib import Path

from workers.training.settings import Settings

_DEFAULTS = Settings("", "", "", 0, "")


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="quarterdeck-worker train",
        description="Trains a network on sealed shards of recorded games, and keeps checkpoints.",
        epilog="Exit codes: 0 done, 3 no data or not enough for the steps asked, 4 configuration, "
        "5 games that must not be learned from, 6 no disk, 143 or 130 stopped after a checkpoint. "
        "Under torchrun each rank takes its part of every batch.",
    )
    _where(found.add_argument_group("what and where"))
    _how_long(found.add_argument_group("how long"))
    _learning(found.add_argument_group("learning (a checkpoint goes on only with the same)"))
    _machine(found.add_argument_group("machine"))
    return found


def _where(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--game", default="reversi", help="reversi, ataxx, an entry point or module:Class"
    )
    group.add_argument("--board", default="square8")
    group.add_argument("--num-players", type=int, default=2)
    group.add_argument(
        "--data",
        type=Path,
        action="append",
        metavar="FOLDER",
        help="where self-play wrote, or a consolidated store, repeatable (data/selfplay)",
    )
    group.add_argument("--models", type=Path, default=Path("data/models"))
    group.add_argument(
        "--architecture",
        metavar="CxB",
        help="channels x blocks (the checkpoint's; 32x2 for a new network)",
    )
    group.add_argument(
        "--allow-changes",
        action="store_true",
        help="go on from the checkpoint with other settings than it was trained with",
    )


def _how_long(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="train until step N, counted over the network's life (default: what the data allow)",
    )
    group.add_argument(
        "--forever", action="store_true", help="wait for more data instead of ending"
    )
    group.add_argument("--checkpoint-steps", type=int, default=500, metavar="N")
    group.add_argument("--checkpoint-seconds", type=float, default=300.0, metavar="S")
    group.add_argument(
        "--keep", type=int, default=20, metavar="N", help="newest checkpoints kept; 0: all"
    )
    group.add_argument("--log-steps", type=int, default=20, metavar="N")
    group.add_argument("--validate-steps", type=int, default=200, metavar="N")
    group.add_argument(
        "--look-seconds", type=float, default=30.0, metavar="S", help="between looks for data"
    )


def _learning(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--seed", type=int, default=_DEFAULTS.seed)
    group.add_argument(
        "--batch-size", type=int, default=_DEFAULTS.batch_size, help="of all ranks together"
    )
    group.add_argument("--learning-rate", type=float, default=_DEFAULTS.learning_rate)
    group.add_argument("--warmup-steps", type=int, default=_DEFAULTS.warmup_steps)
    group.add_argument("--schedule-steps", type=int, default=_DEFAULTS.schedule_steps)
    group.add_argument("--weight-decay", type=float, default=_DEFAULTS.weight_decay)
    group.add_argument(
        "--clip", type=float, default=_DEFAULTS.clip, help="norm of the gradient, at most"
    )
    group.add_argument(
        "--ema", type=float, default=_DEFAULTS.ema, help="of the weights that play; 0: none"
    )
    group.add_argument("--value-weight", type=float, default=_DEFAULTS.value_weight)
    group.add_argument("--dtype", choices=("auto", "float32", "bfloat16"), default=_DEFAULTS.dtype)
    group.add_argument(
        "--no-augment", dest="augment", action="store_false", help="without symmetries"
    )
    group.add_argument(
        "--window",
        default=_DEFAULTS.window,
        metavar="N|power[:C,A,B]",
        help="the newest N games, or KataGo's power law (power:5000,0.75,0.4)",
    )
    group.add_argument("--held-out", type=float, default=_DEFAULTS.held_out, metavar="SHARE")
    group.add_argument(
        "--reuse",
        type=float,
        default=_DEFAULTS.reuse,
        metavar="X",
        help="at most X sample-steps for each sample (4)",
    )
    group.add_argument(
        "--mix",
        type=int,
        default=_DEFAULTS.mix,
        metavar="GAMES",
        help="shuffled together (0: by board)",
    )


def _machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1")
    group.add_argument(
        "--threads", default="auto", help="auto: the cores we may use, shared by the ranks"
    )
    group.add_argument("--compile", action="store_true", help="torch.compile the network")
    group.add_argument(
        "--patience",
        type=int,
        default=10,
        metavar="K",
        help="non-finite steps in a row before it fails",
    )
    group.add_argument("--no-tensorboard", dest="tensorboard", action="store_false")
