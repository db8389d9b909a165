"""From words to a command, and from its outcome to an exit code."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from importlib import import_module

from console.cli import exits, parser, words
from console.cli.output import complain
from console.errors import (
    LinkError,
    QuarterdeckError,
    Refused,
    RequestFailed,
    RequestLost,
    SettingsError,
    UsageError,
)

# Development aids of Textual and asyncio: they talk to other programs, write files, press keys.
_DEVELOPMENT = (
    *("TEXTUAL", "TEXTUAL_DEBUG", "TEXTUAL_LOG", "TEXTUAL_PRESS", "TEXTUAL_DRIVER"),
    *("TEXTUAL_DEVTOOLS_HOST", "TEXTUAL_DEVTOOLS_PORT", "TEXTUAL_SHOW_RETURN"),
    *("TEXTUAL_SCREENSHOT", "TEXTUAL_SCREENSHOT_LOCATION", "TEXTUAL_SCREENSHOT_FILENAME"),
    "PYTHONASYNCIODEBUG",
)


def run(argv: Sequence[str]) -> int:
    """Does what `argv` (without the program's name) says. Returns the exit code; raises SystemExit for --help."""
    # Folders on the way to ours would else be made for all to write to, and refused at the next start.
    os.umask(os.umask(0o077) | 0o022)
    for name in _DEVELOPMENT:
        os.environ.pop(name, None)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        code = _command(_parse(list(argv)))
        sys.stdout.flush()
    except QuarterdeckError as error:
        complain(str(error))
        return _code_of(error)
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        # What is still in the buffer has no reader: it must not be written again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.PIPE_CLOSED
    return code


def _parse(argv: list[str]) -> Namespace:
    place = words.verb_place(argv)
    if place is None:
        options = parser.build_screen().parse_args(argv)
        options.command = "screen"
        return options
    if argv[place] == "help":
        argv[place] = "--help"
    argv, command = words.command_behind(argv)
    options = parser.build().parse_args(argv)
    options.argv = command
    return options


def _command(options: Namespace) -> int:
    module = import_module(f"console.cli.{options.command}")
    code: int = module.run(options)
    return code


def _code_of(error: QuarterdeckError) -> int:
    if isinstance(error, (UsageError, SettingsError)):
        return exits.USAGE
    from console.backends.backend import REFUSALS

    if isinstance(error, Refused) or (isinstance(error, RequestFailed) and error.code in REFUSALS):
        return exits.REFUSED
    if isinstance(error, (LinkError, RequestLost)):
        return exits.UNREACHABLE
    return exits.FAILED
