"""`quarterdeck version`."""

from __future__ import annotations

import platform
from argparse import Namespace
from importlib.metadata import PackageNotFoundError, version

from console.cli import exits
from console.cli.output import print_json
from workers.protocol import PROTOCOL_VERSION


def run(options: Namespace) -> int:
    """Prints it."""
    known = {
        "schema": 1,
        "version": program_version(),
        "protocol": PROTOCOL_VERSION,
        "python": platform.python_version(),
    }
    if options.json:
        print_json(known)
    else:
        print(
            f"quarterdeck {known['version']} (protocol {PROTOCOL_VERSION}, Python {known['python']})"
        )
    return exits.DONE


def program_version() -> str:
    """As installed; "unknown" where it runs from a bare tree."""
    try:
        return version("quarterdeck")
    except PackageNotFoundError:
        return "unknown"
