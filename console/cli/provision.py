"""`quarterdeck nodes provision`: what our workers or jobs need, installed on a node."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from console.cli import exits, shapes
from console.cli.connect import opened, reachable, refuse_demo
from console.cli.log_text import LogWriter
from console.cli.output import complain, print_json, print_line
from console.cli.workers.fleet import seconds
from console.errors import Refused
from console.operations.command_output import CommandOutput
from console.operations.outcomes import Verdict
from console.operations.provision import VENV, command, requirements

LOOK_S = 0.2


async def run(options: Namespace) -> int:
    """Its output as it comes; 0 once all is installed."""
    refuse_demo(options, "nodes provision")
    if getattr(options, "read_only", False):
        raise Refused("nodes provision: this console is read-only; nothing was done")
    packages = requirements(options.extras)
    if options.dry_run:
        return _plan(options, packages)
    async with opened(options, [options.node]) as runtime:
        name = (await reachable(runtime)).name
        limit_s = seconds(options.timeout, "--timeout")
        going = runtime.commands.begin([name], command(packages), limit_s)
        if not options.json:
            print_line(f"{name}: {', '.join(packages)} into ~/{VENV}", "bold")
        (result,) = going.results
        try:
            await _follow(options, asyncio.ensure_future(going.wait()), result)
        except asyncio.CancelledError:
            going.leave()
            complain(f"left; it goes on there: `workers list --all --node {name}` shows it")
            raise
    if options.json:
        print_json({"schema": shapes.SCHEMA, "node": name, "packages": list(packages), **shapes.command_output(result)})  # fmt: skip
    return _code(result)


def _plan(options: Namespace, packages: tuple[str, ...]) -> int:
    if options.json:
        print_json({"schema": shapes.SCHEMA, "node": options.node, "packages": list(packages)})
        return exits.DONE
    print_line(f"{options.node}: pip would install into ~/{VENV}:")
    for package in packages:
        print_line(f"  {package}")
    print_line("nothing was done: --dry-run")
    return exits.DONE


async def _follow(
    options: Namespace, end: asyncio.Future[list[CommandOutput]], result: CommandOutput
) -> None:
    writer, shown = LogWriter(), 0
    while True:
        over = end.done()
        output = result.output()
        if not options.json and len(output) > shown:
            writer.write(0, output[shown:])
            shown = len(output)
        if over:
            break
        await asyncio.wait((end,), timeout=LOOK_S)
    writer.end()
    end.result()
    if not result.well:
        complain(f"{result.node}: {result.words}")


def _code(result: CommandOutput) -> int:
    if result.verdict in (Verdict.UNREACHABLE, Verdict.UNKNOWN):
        return exits.UNREACHABLE
    if result.verdict is Verdict.REFUSED:
        return exits.REFUSED
    return exits.FAILED if result.verdict is Verdict.FAILED else exits.DONE
