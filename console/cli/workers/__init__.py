"""`quarterdeck workers …`: one file for each kind of verb."""

from __future__ import annotations

from argparse import Namespace
from importlib import import_module

_HOMES = {
    "list": "look",
    "show": "look",
    "presets": "look",
    "start": "start",
    "stop": "act",
    "kill": "act",
    "restart": "act",
    "drain": "act",
    "forget": "act",
    "orphans": "orphans",
    "adopt": "orphans",
    "clear": "orphans",
    "logs": "logs",
}


def run(options: Namespace) -> int:
    """Does one verb."""
    import asyncio  # the parser of every command imports this file

    module = import_module(f"console.cli.workers.{_HOMES[options.verb]}")
    code: int = asyncio.run(module.run(options))
    return code
