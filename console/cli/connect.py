"""A running fleet for one command: settings, runtime, and waiting until the nodes have spoken."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.cli.prompting import TerminalPrompter, can_ask
from console.errors import LinkError, UsageError
from console.fleet.filter import Filter, FilterError, parse
from console.fleet.model import Attention, Detached, Down, Node, Stale, Up
from workers.protocol import COUNTING

if TYPE_CHECKING:
    from console.fleet.store import FleetStore
    from console.runtime import Runtime
    from console.settings.load import Loaded

FIRST_FACTS_S = 15.0


def settings_of(options: Namespace, hosts: Sequence[str] = ()) -> Loaded:
    """The settings with the flags of the command line over them. Raises SettingsError."""
    from console.settings.load import load

    config = getattr(options, "config", None)
    named = (*getattr(options, "host", ()), *hosts)
    return load(Path(config) if config else None, flags=flags_of(options), hosts=named)


def flags_of(options: Namespace) -> dict[str, Any]:
    """The flags as dotted keys of the settings; None for those not given."""
    return {
        "read_only": True if getattr(options, "read_only", False) else None,
        "ui.ascii": True if getattr(options, "ascii", False) else None,
        "ui.theme": getattr(options, "theme", None),
        "interval": _number(getattr(options, "interval", None)),
    }


def filter_of(options: Namespace) -> Filter:
    """The filter of --filter. Raises UsageError that shows where it is wrong."""
    text = getattr(options, "filter", "")
    try:
        return parse(text)
    except FilterError as error:
        raise UsageError(f"--filter: {error}\n  {text}\n  {' ' * error.position}^") from None


def runtime_of(options: Namespace, hosts: Sequence[str] = (), prompter: Any = None) -> Runtime:
    """The runtime that the options describe, not yet running. Raises SettingsError, UsageError."""
    if getattr(options, "demo", False):
        from console.demo import demo_runtime

        return demo_runtime(read_only=getattr(options, "read_only", False))
    from console.runtime import Runtime

    loaded = settings_of(options, hosts)
    return Runtime(loaded, loaded.specs(), prompter=prompter)


@asynccontextmanager
async def opened(options: Namespace, hosts: Sequence[str] = ()) -> AsyncIterator[Runtime]:
    """A running runtime that asks its questions on the terminal, if there is one."""
    prompter = TerminalPrompter() if can_ask() else None
    async with runtime_of(options, hosts, prompter) as runtime:
        if getattr(options, "demo", False):
            await _only(runtime, (*getattr(options, "host", ()), *hosts))
        yield runtime


async def _only(runtime: Runtime, names: Sequence[str]) -> None:
    """Leaves the demo's nodes of these names; all where none is named. Raises UsageError."""
    unknown = [name for name in names if name not in runtime.store.nodes]
    if unknown:
        raise UsageError(f"the demo has no node {', '.join(unknown)}; `status --demo` lists them")
    for name in list(runtime.store.nodes) if names else ():
        if name not in names:
            await runtime.remove_node(name)


def refuse_demo(options: Namespace, what: str) -> None:
    """Raises UsageError where the demo is asked for something that touches real settings."""
    if getattr(options, "demo", False):
        raise UsageError(f"{what}: the demo's nodes are not in the settings; leave --demo out")


async def wait_for(
    runtime: Runtime, holds: Callable[[], bool], timeout_s: float = FIRST_FACTS_S
) -> bool:
    """Waits until `holds()`; False when the time ran out first. A person who is asked may take their time."""
    changed = asyncio.Event()
    end = runtime.store.subscribe(lambda _: changed.set())
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    try:
        while not holds():
            changed.clear()
            try:
                await asyncio.wait_for(changed.wait(), deadline - loop.time())
            except asyncio.TimeoutError:
                if not getattr(runtime.prompter, "asking", False):
                    return holds()
            if getattr(runtime.prompter, "asking", False):
                deadline = loop.time() + timeout_s
        return True
    finally:
        end()


async def first_facts(runtime: Runtime) -> None:
    """Waits for each node's first sample and first count of each dataset, or a reason; 15 s at most."""
    store = runtime.store
    await wait_for(runtime, lambda: all(has_spoken(store, node) for node in store.nodes.values()))


def has_spoken(store: FleetStore, node: Node) -> bool:
    """True where waiting longer would tell nothing new of this node."""
    if isinstance(node.link, (Down, Attention, Detached)):
        return True
    if not isinstance(node.link, (Up, Stale)) or node.sample is None or node.workers_at is None:
        return False
    # The first reading has no CPU figure: it takes two to tell.
    if node.sample.host.cpu_percent is None and len(store.history(node.name).cpu) < 2:
        return False
    counts = {count.name: count for count in node.datasets.counts} if node.datasets else {}
    return all(
        watch.name in counts
        and (counts[watch.name].records is not None or counts[watch.name].reason != COUNTING)
        for watch in node.spec.datasets
    )


async def reachable(runtime: Runtime) -> Node:
    """The only node of `runtime`, once it is up. Raises LinkError with the reason when it is not."""
    store = runtime.store
    (name,) = store.nodes
    await wait_for(runtime, lambda: isinstance(store.nodes[name].link, (Up, Down, Attention)))
    node = store.nodes[name]
    if not isinstance(node.link, Up):
        raise LinkError(_unreachable(node))
    return node


def _unreachable(node: Node) -> Any:
    from dataclasses import replace

    from console.fleet.model import Problem, ProblemKind

    if isinstance(node.link, (Down, Attention)):
        problem = node.link.problem
        remedy = f"\n{problem.remedy}" if problem.remedy else ""
        return replace(problem, text=f"{node.name}: {problem.text}{remedy}")
    text = f"{node.name} did not answer within {FIRST_FACTS_S:.0f} s: {node.reason}"
    return Problem(ProblemKind.TIMED_OUT, text)


def _number(text: str | None) -> float | str | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
