"""`quarterdeck cp SRC… DST`: files to or from a node, with progress; the same again goes on where it stopped."""

from __future__ import annotations

import asyncio
import shlex
import sys
import time
from argparse import Namespace
from typing import TYPE_CHECKING

from console import formatting
from console.cli import exits, shapes
from console.cli.connect import opened, refuse_demo
from console.cli.output import complain, print_json, print_line
from console.errors import Refused
from console.fleet.model import Transport
from console.operations import copying

if TYPE_CHECKING:
    from console.runtime import Runtime

_EVERY_S = 0.2


def run(options: Namespace) -> int:
    """Copies; prints what went over."""
    refuse_demo(options, "cp")
    if getattr(options, "read_only", False) and not options.dry_run:
        raise Refused("cp: this console is read-only; nothing was copied")
    return asyncio.run(_run(options))


async def _run(options: Namespace) -> int:
    sources, destination, node = copying.ends(options.paths)
    async with opened(options, (node,)) as runtime:
        command = await _command(runtime, sources, destination)
        if options.dry_run:
            _print_command(options, command)
            return exits.DONE
        began = time.monotonic()
        name = next(iter(runtime.specs))
        async with runtime.workers.reach.acts.action(name, "nodes.copy", command[1:]):
            copied = await copying.copy(command, _Line())
        _report(options, copied, time.monotonic() - began)
    return exits.DONE


async def _command(
    runtime: Runtime, sources: tuple[copying.Place, ...], destination: copying.Place
) -> tuple[str, ...]:
    (spec,) = runtime.specs.values()
    if spec.transport is not Transport.SSH:
        return copying.argv(sources, destination, None, spec.root)
    way = copying.checked(await runtime.roads.unattended(spec), spec.name)
    return copying.argv(sources, destination, way, spec.root)


def _print_command(options: Namespace, command: tuple[str, ...]) -> None:
    if options.json:
        print_json({"schema": shapes.SCHEMA, "command": list(command)})
    else:
        print_line(shlex.join(command))


def _report(options: Namespace, copied: copying.Copied, seconds: float) -> None:
    if copied.warning:
        complain(f"cp: {copied.warning}")
    if options.json:
        shown = {"files": copied.files, "bytes": copied.bytes, "seconds": round(seconds, 3)}
        print_json({"schema": shapes.SCHEMA, **shown, "warning": copied.warning or None})
        return
    word = "file" if copied.files == 1 else "files"
    size = formatting.size(copied.bytes)
    print_line(f"{copied.files:,} {word}, {size} in {formatting.age(seconds)}")


class _Line:
    """One line on the terminal that says how far it is; elsewhere nothing."""

    def __init__(self) -> None:
        self._shown_at = 0.0
        self._terminal = sys.stderr.isatty()

    def __call__(self, size: int, percent: int, rate: float) -> None:
        now = time.monotonic()
        if not self._terminal or (now - self._shown_at < _EVERY_S and percent < 100):
            return
        self._shown_at = now
        line = f"{formatting.size(size)}  {percent} %  {formatting.size(rate)}/s"
        sys.stderr.write(f"\r\x1b[K{line}" + ("\n" if percent == 100 else ""))
        sys.stderr.flush()
