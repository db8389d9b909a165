"""`quarterdeck run --nodes SELECTOR -- COMMAND…`: one command on several nodes, collected node by node."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Sequence

from console.cli import exits, shapes
from console.cli.connect import wait_for
from console.cli.log_text import LogWriter
from console.cli.output import complain, print_json, print_line
from console.cli.workers import fleet
from console.errors import Refused, UsageError
from console.fleet.model import Attention, Detached, Down, Up
from console.operations.command_output import CommandOutput
from console.operations.outcomes import Verdict
from console.operations.start_plan import chosen_by


def run(options: Namespace) -> int:
    """Prints what each node said, in the nodes' order."""
    if not options.argv:
        raise UsageError("wanted a command behind --: run --nodes SELECTOR -- COMMAND [ARG …]")
    if getattr(options, "read_only", False):
        raise Refused("run: this console is read-only; nothing was done")
    return asyncio.run(_run(options))


async def _run(options: Namespace) -> int:
    from console.cli.connect import opened

    words = [word for word in options.nodes.replace(",", " ").split() if word]
    if not words:
        raise UsageError("--nodes: wanted a selector such as '*', 'gpu-1', 'gpu-*' or 'tag:gpu'")
    timeout_s = fleet.seconds(options.timeout, "--timeout")
    hosts = fleet.hosts_of(words)
    async with opened(options, hosts) as runtime:
        nodes = runtime.store.nodes
        # `!` takes nodes out of what the others take: the words belong together.
        chosen = tuple(nodes) if hosts else chosen_by(options.nodes, nodes)
        ready = (Up, Down, Attention, Detached)
        await wait_for(runtime, lambda: all(isinstance(nodes[n].link, ready) for n in chosen))
        going = runtime.commands.begin(chosen, options.argv, timeout_s, options.directory)
        try:
            results = await going.wait()
        except asyncio.CancelledError:
            going.leave()
            complain("left; where it runs it goes on: `workers list --all` shows it")
            raise
    _print(options, results)
    return _code(results)


def _print(options: Namespace, results: Sequence[CommandOutput]) -> None:
    if options.json:
        shown = [shapes.command_output(result) for result in results]
        print_json({"schema": shapes.SCHEMA, "command": list(options.argv), "nodes": shown})
        return
    for result in results:
        if len(results) > 1:
            print_line(f"{result.node}: {result.words}", "bold")
        if result.dropped_bytes:
            complain(f"{result.node}: the first {result.dropped_bytes} bytes were too many to keep")
        output = result.output()
        writer = LogWriter()
        writer.write(0, output if not output or output.endswith(b"\n") else output + b"\n")
        writer.end()
        if not result.well:
            complain(f"{result.node}: {result.words}")


def _code(results: Sequence[CommandOutput]) -> int:
    verdicts = {result.verdict for result in results}
    if verdicts & {Verdict.UNREACHABLE, Verdict.UNKNOWN}:
        return exits.UNREACHABLE
    if Verdict.REFUSED in verdicts:
        return exits.REFUSED
    return exits.FAILED if Verdict.FAILED in verdicts else exits.DONE
