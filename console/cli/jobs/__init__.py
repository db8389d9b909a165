"""`quarterdeck jobs …`: one file for each kind of verb."""

from __future__ import annotations

from argparse import Namespace
from importlib import import_module

_HOMES = {
    "list": "look",
    "show": "look",
    "run": "start",
    "retry": "start",
    "restore": "start",
    "prune": "start",
    "cancel": "cancel",
    "schedule": "schedule",
}


def run(options: Namespace) -> int:
    """Does one verb."""
    import asyncio  # the parser of every command imports this file

    module = import_module(f"console.cli.jobs.{_HOMES[options.verb]}")
    code: int = asyncio.run(module.run(options))
    return code
