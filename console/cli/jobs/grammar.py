"""The words of `quarterdeck jobs` and `quarterdeck mode`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_RUN = "a job (its newest run), or the beginning of a run id"
Add = Callable[..., Any]


def jobs(commands: Any, add: Add) -> None:
    """Adds `jobs` and its verbs; `add(commands, name, help, json=…)` makes a parser."""
    text = "work that is expected to finish: sync, aggregate, back up, update code, prune"
    noun = add(commands, "jobs", text, json=False)
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=type(noun))
    add(verbs, "list", "what runs, waits, is scheduled and is over, and every job of the settings")
    show = add(verbs, "show", "a run of a job, node by node; or a job that never ran")
    show.add_argument("name", metavar="NAME", help=_RUN)
    run = add(verbs, "run", "make a job's plan and start it")
    run.add_argument("name", metavar="NAME", help="as `jobs list` shows it")
    _starting(run, "of its sources, only these: names, gpu-*, tag:NAME")
    retry = add(verbs, "retry", "do again what a run did not finish, and only that")
    retry.add_argument("name", metavar="NAME", help=_RUN)
    _starting(retry)
    cancel = add(
        verbs, "cancel", "end a run; what it finished stays, and the next goes on from there"
    )
    cancel.add_argument("name", metavar="NAME", help=_RUN)
    cancel.add_argument("--wait", action="store_true", help="until it has ended")
    cancel.add_argument("--timeout", metavar="SECONDS", help="wait no longer than this")
    _more(verbs, add)


def _more(verbs: Any, add: Add) -> None:
    restore = add(verbs, "restore", "bring back what a backup job saved")
    restore.add_argument("name", metavar="NAME", help="a backup or restore job")
    restore.add_argument("--to", metavar="DIR", default="", help="a folder of its destination")
    restore.add_argument("--generation", type=int, metavar="N", help="instead of the newest")
    _starting(restore)
    prune = add(verbs, "prune", "free disk of what is proven to be aggregated and backed up")
    prune.add_argument("name", metavar="NAME", nargs="?", default="", help="a prune job")
    prune.add_argument("--without-backup", action="store_true", help="aggregated is enough")
    _starting(prune, "only on these: names, gpu-*, tag:NAME")
    schedule = add(verbs, "schedule", "start jobs when they are due, with or without a console")
    schedule.add_argument("--stop", action="store_true", help="no longer; what runs goes on")
    schedule.add_argument("--status", action="store_true", help="whether it runs, and what is due")


def _starting(parser: Any, nodes: str = "") -> None:
    if nodes:
        parser.add_argument("--nodes", metavar="SELECTOR", default="", help=nodes)
    parser.add_argument("--dry-run", action="store_true", help="the plan, and nothing more")
    parser.add_argument("--wait", action="store_true", help="to its end; its failure is ours")
    parser.add_argument("--timeout", metavar="SECONDS", help="wait no longer than this")
    parser.add_argument("--yes", action="store_true", help="do not ask before anything is deleted")


def mode(commands: Any, add: Add) -> None:
    """Adds `mode`."""
    noun = add(commands, "mode", "how trainings work with their data: in place, or mirrored first", json=False)  # fmt: skip
    verbs = noun.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=type(noun))
    add(verbs, "show", "the mode that holds, and where it was said")
    chosen = add(verbs, "set", "write it to the settings")
    chosen.add_argument("mode", choices=("standard", "wsl_sync", "native_sync"))
