"""The words of `quarterdeck workers` and `quarterdeck run`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_NAME = "NAME, NAME@NODE, NODE/NAME, a run id, or a pattern such as 'selfplay-*'"
Add = Callable[..., Any]


def workers(commands: Any, add: Add) -> None:
    """Adds `workers` and its verbs; `add(commands, name, help, json=…)` makes a parser."""
    text = "long-running commands on the nodes: start, stop, follow them"
    noun = add(commands, "workers", text, json=False)
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=type(noun))
    _looks(verbs, add)
    _start(verbs, add)
    _acts(verbs, add)
    _orphans(verbs, add)


def command(commands: Any, add: Add) -> None:
    """Adds `run`."""
    text = "run a command on several nodes and collect what it says"
    run = add(commands, "run", text)
    run.usage = "quarterdeck run --nodes SELECTOR [--timeout S] -- COMMAND [ARG ...]"
    run.add_argument(
        "--nodes", metavar="SELECTOR", required=True, help="names, gpu-*, tag:NAME, '*' for all"
    )
    run.add_argument("--timeout", metavar="SECONDS", help="stop it where it still runs after this")
    run.add_argument(
        "--directory", metavar="DIR", default="", help="to run it in; relative to the node's root"
    )


def _looks(verbs: Any, add: Add) -> None:
    listed = add(verbs, "list", "every worker: its newest run, how it stands and how it fares")
    _nodes(listed)
    listed.add_argument("--all", action="store_true", help="earlier runs too, and jobs")
    show = add(verbs, "show", "all about a worker: its command, what happened to it, its processes")
    _names(show)
    add(verbs, "presets", "the recipes of the settings; no node is dialled")
    logs = add(verbs, "logs", "what a worker wrote, byte for byte", json=False)
    logs.add_argument("name", metavar="NAME", help=_NAME)
    _nodes(logs)
    logs.add_argument("-f", "--follow", action="store_true", help="go on as it writes, to its end")
    logs.add_argument("--stream", choices=("out", "err", "both"), default="both")
    logs.add_argument(
        "--attempt", type=int, default=0, metavar="N", help="only this; 1 is the first"
    )
    logs.add_argument("--last", metavar="SIZE", help="only the end of it, such as 64KiB")


def _start(verbs: Any, add: Add) -> None:
    start = add(verbs, "start", "start a preset, or any command behind --")
    start.usage = (
        "quarterdeck workers start --node NODE [--name NAME] [--preset PRESET] [options] "
        "[-- COMMAND [ARG ...]]"
    )
    _nodes(start, "on this node; may be repeated, or a selector such as tag:gpu")
    start.add_argument("--name", default="", help="what it is called; copies get NAME-1, NAME-2, …")
    start.add_argument("--preset", default="", help="a recipe of the settings")
    start.add_argument("--copies", type=int, metavar="N", help="on each node")
    start.add_argument("--restart", choices=("never", "on-failure", "always"))
    start.add_argument("--grace", metavar="SECONDS", help="from the stop signal to SIGKILL")
    start.add_argument("--gpus", type=int, metavar="N", help="for each copy")
    start.add_argument("--directory", metavar="DIR", help="relative to the node's root")
    start.add_argument(
        "--env", metavar="NAME=VALUE", action="append", default=[], help="may be repeated"
    )
    start.add_argument(
        "--dry-run", action="store_true", help="say what would start, and start nothing"
    )
    start.add_argument(
        "--wait", action="store_true", help="until it has ended; its failure is ours"
    )
    _timeout(start)


def _acts(verbs: Any, add: Add) -> None:
    for name, text in (
        ("stop", "ask it to end, then its group, then kill what is left after its grace time"),
        ("kill", "kill its whole tree at once"),
        ("restart", "stop it and start it again"),
        ("drain", "let it finish its unit, take no more and end"),
    ):
        act = add(verbs, name, text)
        _names(act)
        act.add_argument("--wait", action="store_true", help="until it is so")
        _timeout(act)
        act.add_argument("--yes", action="store_true", help="do not ask")
        if name != "kill":
            act.add_argument("--grace", metavar="SECONDS", help="instead of its own grace time")
        if name == "restart":
            act.add_argument("--force", action="store_true", help="kill instead of stop")
            act.add_argument(
                "--batch", type=int, default=0, metavar="N",
                help="so many at a time, the next when these run well, none after a failure",
            )  # fmt: skip
    forget = add(verbs, "forget", "remove what is kept of runs that are over, logs included")
    _names(forget)
    forget.add_argument("--yes", action="store_true", help="do not ask")


def _orphans(verbs: Any, add: Add) -> None:
    orphans = add(
        verbs, "orphans", "processes no record owns, records that own nothing, duplicates, stale locks"
    )  # fmt: skip
    _nodes(orphans)
    adopt = add(verbs, "adopt", "watch a process that was not started by us")
    adopt.add_argument("pid", metavar="PID", type=int)
    adopt.add_argument("--node", metavar="NODE", required=True)
    adopt.add_argument("--name", default="", help="what it is called from now on")
    clear = add(verbs, "clear", "do what `workers orphans` offers for one of them")
    clear.add_argument("id", metavar="ID", help="as `workers orphans` shows it")
    clear.add_argument(
        "act", metavar="ACT", nargs="?", default="", help="stop, kill, forget, clear"
    )
    clear.add_argument("--node", metavar="NODE", required=True)
    clear.add_argument("--yes", action="store_true", help="do not ask")


def _names(parser: Any) -> None:
    parser.add_argument("names", metavar="NAME", nargs="+", help=_NAME)
    _nodes(parser)


def _nodes(parser: Any, text: str = "only on this node; may be repeated") -> None:
    parser.add_argument("--node", metavar="NODE", action="append", default=[], help=text)


def _timeout(parser: Any) -> None:
    parser.add_argument("--timeout", metavar="SECONDS", help="wait no longer than this")
