"""A command on each of the nodes: its output node by node, and how it ended there."""

from __future__ import annotations

import asyncio

from console.conduct.ending import conclude
from console.conduct.orders import Orders
from console.conduct.program import Conductor
from console.conduct.score import Score, Share
from console.conduct.telling import DONE, FAILED, RUNNING
from console.errors import UsageError
from console.operations.command_output import CommandOutput
from console.operations.commands import CommandRun
from console.operations.outcomes import Verdict

NEVER = ("pass a word of the command through a shell", "run it a second time on a node")


def plan(orders: Orders) -> Score:
    """Raises UsageError."""
    command, directory = _asked(orders)
    where = f"in {directory}" if directory else "in its root"
    shares = tuple(Share(node, f"runs the command {where}", (command,)) for node in orders.sources)
    refusals = () if shares else ("there is no node to run it on",)
    return Score(f"one command on {len(shares)} nodes", shares, NEVER, refusals)


async def run(conductor: Conductor) -> int:
    """Raises UsageError. A stop ends it on the nodes too."""
    orders, telling = conductor.orders, conductor.telling
    _asked(orders)
    telling.begin(orders.sources)
    room = asyncio.Semaphore(orders.concurrency)
    runs: list[CommandRun] = []

    async def one(node: str) -> CommandOutput | None:
        async with room:
            return await _on(conductor, node, runs)

    try:
        results = await asyncio.gather(*(one(node) for node in orders.sources))
    except asyncio.CancelledError:
        await _stop(conductor, runs)
        raise
    unreached = sum(one is None or one.verdict is Verdict.UNREACHABLE for one in results)
    return conclude(telling, unreached)


def _asked(orders: Orders) -> tuple[tuple[str, ...], str]:
    command = orders.texts("command")
    if not command or not command[0]:
        raise UsageError("document: options.command: a command, word by word, is wanted")
    return command, orders.text("directory")


async def _on(conductor: Conductor, node: str, runs: list[CommandRun]) -> CommandOutput | None:
    """None where the node is not one of the settings any more."""
    orders, telling, runtime = conductor.orders, conductor.telling, conductor.runtime
    if node not in runtime.store.nodes:
        telling.part(node, state=FAILED, message="it is not in the settings of this console")
        return None
    command, directory = _asked(orders)
    telling.part(node, state=RUNNING)
    going = runtime.commands.begin([node], command, None, directory)
    runs.append(going)
    (result,) = await going.wait()
    report(conductor, result)
    telling.part(node, state=DONE if result.well else FAILED, message=result.words)
    return result


def report(conductor: Conductor, result: CommandOutput) -> None:
    """What a node said, line by line, and how it ended."""
    for line in result.lines:
        conductor.telling.log(f"{result.node} | {line}")
    conductor.telling.log(f"{result.node}: {result.words}")


async def _stop(conductor: Conductor, runs: list[CommandRun]) -> None:
    """Asked of each node before the links to them go."""
    left = [one for going in runs for one in going.results if one.verdict is None]
    stops = (conductor.runtime.workers.stop_run(one.node, one.run_id) for one in left)
    for one, outcome in zip(left, await asyncio.gather(*stops), strict=True):
        text = "stopped" if outcome.done else f"may still run: {outcome.text}"
        conductor.telling.part(one.node, state=FAILED, message=text)
