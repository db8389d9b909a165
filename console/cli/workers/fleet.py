"""The nodes that a verb for workers is about, once they have told what runs there."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from console.cli import exits
from console.cli.connect import opened, wait_for
from console.cli.output import complain
from console.errors import LinkError, UsageError
from console.fleet.model import Attention, Detached, Down, Node, Problem, ProblemKind
from console.fleet.workers import WorkerView
from console.operations.workers import Outcome, Target, Verdict
from console.settings.values import NAME_PATTERN, duration_s

if TYPE_CHECKING:
    from console.runtime import Runtime

_GONE = (Down, Attention, Detached)


@asynccontextmanager
async def told(options: Namespace, everywhere: bool = False) -> AsyncIterator[Runtime]:
    """A runtime on the nodes of --node (all, where none is named, or `everywhere`) that have told what runs
    there, or why they cannot."""
    async with opened(options, () if everywhere else hosts_of(options.node)) as runtime:
        await heard(runtime)
        yield runtime


async def heard(runtime: Runtime) -> None:
    """Waits until each node has told, or cannot."""
    nodes = runtime.store.nodes
    await wait_for(runtime, lambda: all(has_told(node) for node in nodes.values()))


def hosts_of(nodes: Sequence[str]) -> tuple[str, ...]:
    """Those to open: none where one is a selector and not a name, so that all are."""
    if any(not NAME_PATTERN.fullmatch(word.rpartition("@")[2].partition(":")[0]) for word in nodes):
        return ()
    return () if any(word.startswith("tag:") for word in nodes) else tuple(nodes)


def has_told(node: Node) -> bool:
    """True where waiting longer would tell nothing new."""
    return isinstance(node.link, _GONE) or node.workers_at is not None


def silent(runtime: Runtime) -> list[Node]:
    """The nodes that could not be asked."""
    nodes = runtime.store.nodes.values()
    return [node for node in nodes if node.state != "up" or node.workers_at is None]


def say_silent(runtime: Runtime) -> bool:
    """Names the nodes that could not be asked; True where there are any."""
    found = silent(runtime)
    for node in found:
        complain(f"{node.name} could not be asked: {node.reason or node.state}")
    return bool(found)


def nodes_wanted(options: Namespace, runtime: Runtime) -> tuple[str, ...]:
    """The names of the nodes of --node; all where none is named. Raises UsageError."""
    from console.operations.start_plan import chosen_by

    if not options.node or hosts_of(options.node):
        return tuple(runtime.store.nodes)
    known = runtime.store.nodes
    return tuple(dict.fromkeys(name for word in options.node for name in chosen_by(word, known)))


def find(options: Namespace, runtime: Runtime) -> tuple[Target, ...]:
    """The runs that the words mean. Raises UsageError; LinkError where a node that did not answer may have it."""
    try:
        return runtime.workers.find(options.names, nodes_wanted(options, runtime))
    except UsageError as error:
        missing = [f"{node.name} ({node.reason or node.state})" for node in silent(runtime)]
        if not missing or "say which" in str(error):
            raise
        text = f"{error}; these nodes could not be asked: {', '.join(missing)}"
        raise LinkError(Problem(ProblemKind.UNREACHABLE, text)) from None


def views_of(runtime: Runtime, targets: Iterable[Target]) -> list[WorkerView]:
    """The targets as they stand now."""
    return [
        view
        for one in targets
        for view in runtime.store.workers_of(one.node)
        if view.record.run_id == one.run_id
    ]


def seconds(text: str | None, option: str) -> float | None:
    """A duration of the command line. Raises UsageError."""
    if text is None:
        return None
    try:
        return duration_s(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from None


def code_of(outcomes: Iterable[Outcome]) -> int:
    """What is not known weighs most, then what was refused, then what failed."""
    verdicts = {outcome.verdict for outcome in outcomes}
    if verdicts & {Verdict.UNREACHABLE, Verdict.UNKNOWN}:
        return exits.UNREACHABLE
    if Verdict.REFUSED in verdicts:
        return exits.REFUSED
    return exits.FAILED if Verdict.FAILED in verdicts else exits.DONE
