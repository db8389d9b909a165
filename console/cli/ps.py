"""`quarterdeck ps NODE`, and `ps signal NODE PID… SIGNAL`: by identity, never by number alone."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from console import formatting
from console.cli import exits, shapes
from console.cli.connect import opened, reachable
from console.cli.output import print_json, print_line, print_table
from console.cli.parser import SIGNALS
from console.cli.prompting import confirm
from console.errors import Refused, UsageError
from console.fleet.model import Node
from workers.protocol import Process, ProcessIdentity, SignalOutcome

_COLUMNS = ("pid", "user", "cpu", "memory", "gpu", "threads", "state", "command")
_CPU_S = 1.0  # a first reading knows no CPU figures: they are told from two
_RIGHT = ("pid", "cpu", "memory", "gpu", "threads")


def run(options: Namespace) -> int:
    """Lists the processes of one node, the busiest first, or signals some."""
    words = options.words
    if words[0] == "signal":
        return asyncio.run(_signal(options, *_signal_words(words[1:])))
    if len(words) > 1:
        raise UsageError(f"ps takes one node, not {len(words)}; or: ps signal NODE PID… SIGNAL")
    return asyncio.run(_list(options, words[0]))


def _signal_words(words: list[str]) -> tuple[str, list[int], str]:
    if len(words) < 3:
        raise UsageError("wanted: ps signal NODE PID… SIGNAL")
    signal = words[-1].upper().removeprefix("SIG")
    if signal not in SIGNALS:
        raise UsageError(f"'{words[-1]}' is not a signal we send: {', '.join(SIGNALS)}")
    pids = [
        int(word) for word in words[1:-1] if word.isascii() and word.isdigit() and len(word) < 12
    ]
    if len(pids) != len(words) - 2 or not all(pid > 0 for pid in pids):
        raise UsageError("wanted numbers of processes between the node and the signal")
    return words[0], list(dict.fromkeys(pids)), signal


async def _list(options: Namespace, name: str) -> int:
    async with opened(options, [name]) as runtime:
        node = await reachable(runtime)
        table = await runtime.processes.list(node.name)
        if all(one.cpu_percent is None for one in table.processes):
            await asyncio.sleep(_CPU_S)
            table = await runtime.processes.list(node.name)
    found = sorted(table.processes, key=lambda p: (-(p.cpu_percent or 0.0), -(p.memory_bytes or 0)))
    if options.json:
        print_json(
            {
                "schema": shapes.SCHEMA,
                "node": node.name,
                "processes": [shapes.process(one) for one in found],
                "truncated": table.truncated,
            }
        )
        return exits.DONE
    print_table(_COLUMNS, [_row(one) for one in found], _RIGHT)
    if table.truncated:
        print_line("not all: the node has more processes than are listed")
    return exits.DONE


async def _signal(options: Namespace, name: str, pids: list[int], signal: str) -> int:
    if getattr(options, "read_only", False):
        raise Refused("ps signal: this console is read-only; nothing was done")
    async with opened(options, [name]) as runtime:
        if runtime.read_only:
            raise Refused("ps signal: the settings say read_only; nothing was done")
        node = await reachable(runtime)
        known = {p.pid: p for p in (await runtime.processes.list(node.name)).processes}
        missing = [str(pid) for pid in pids if pid not in known]
        if missing:
            raise Refused(f"{node.name} has no process {', '.join(missing)}; nothing was sent")
        chosen = [known[pid] for pid in pids]
        if not options.yes:
            for one in chosen:
                print_line(f"{one.pid}  {one.user}  {one.command}")
            await confirm(f"send {signal} to these on {node.name}?")
        outcomes = [
            (one, await runtime.processes.signal(node.name, _identity(node, one), signal))
            for one in chosen
        ]
    return _tell(options, node.name, signal, outcomes)


def _tell(
    options: Namespace, node: str, signal: str, outcomes: list[tuple[Process, SignalOutcome]]
) -> int:
    if options.json:
        shown = [
            {"pid": one.pid, "delivered": outcome.delivered, "reason": outcome.reason}
            for one, outcome in outcomes
        ]
        print_json({"schema": shapes.SCHEMA, "node": node, "signal": signal, "outcomes": shown})
    else:
        for one, outcome in outcomes:
            print_line(f"{one.pid} {one.name}: {outcome.reason}")
    return exits.DONE if all(outcome.delivered for _, outcome in outcomes) else exits.FAILED


def _identity(node: Node, one: Process) -> ProcessIdentity:
    assert node.hello is not None
    return ProcessIdentity(node.hello.boot_id, node.hello.pid_namespace, one.pid, one.start_ticks)


def _row(one: Process) -> list[str]:
    return [
        str(one.pid),
        one.user,
        formatting.percent(one.cpu_percent),
        formatting.memory(one.memory_bytes),
        formatting.memory(one.gpu_memory_bytes),
        formatting.count(one.threads),
        one.state,
        one.command or one.name,
    ]
