"""Which nodes a job works on, where it runs, and what stands against it before anybody is asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.errors import UsageError
from console.fleet.model import Detached, Node
from console.operations.start_plan import chosen_by
from console.settings.jobs import SYNCING, JobSettings
from console.settings.model import Settings
from console.settings.selectors import selects

_OF_SOURCES = frozenset({"sync", "prune", "update_code", "command"})  # nothing to do without one


@dataclass(frozen=True)
class Selection:
    """`here` is the node it runs on; `notes` say which nodes were left out, and why."""

    here: str
    destination: str
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def select(
    job: JobSettings,
    settings: Settings,
    nodes: Mapping[str, Node],
    orchestrator: str,
    only: Sequence[str] = (),
) -> Selection:
    """`only`: names or selectors of those of its sources that are meant. Raises UsageError for one that is not."""
    destination = job.destination.node or orchestrator
    if destination not in nodes:
        raise UsageError(
            f"jobs.{job.name}.destination: there is no node named {destination}; `nodes list` names them"
        )
    found = [node for node in nodes.values() if _takes(job, node, destination)]
    names = _narrowed(job, found, nodes, only)
    sources, notes = _fit(job, settings, [node for node in found if node.name in names])
    refusals = []
    if job.kind in SYNCING and (off := settings.sync_off(destination)):
        refusals.append(f"nothing is synced to {off}")
    if job.kind in _OF_SOURCES and not sources:
        refusals.append(_none(job, destination, notes))
    here = destination if job.at_destination else orchestrator
    return Selection(here, destination, sources, tuple(notes), tuple(refusals))


def _takes(job: JobSettings, node: Node, destination: str) -> bool:
    if not selects(job.sources, node.name, node.spec.tags):
        return False
    # What a destination holds itself is no source of it, unless a person says its name.
    moves = job.kind in ("sync", "aggregate")
    return not moves or node.name != destination or node.name in _words(job.sources)


def _narrowed(
    job: JobSettings, found: Sequence[Node], nodes: Mapping[str, Node], only: Sequence[str]
) -> frozenset[str]:
    names = frozenset(node.name for node in found)
    if not only:
        return names
    wanted = [name for word in only for name in chosen_by(word, nodes)]
    named = [word for word in only if word in nodes and word not in names]
    if named:
        raise UsageError(f"{', '.join(named)}: not a source of job {job.name} ({job.sources})")
    return names.intersection(wanted)


def _fit(
    job: JobSettings, settings: Settings, found: Sequence[Node]
) -> tuple[tuple[str, ...], list[str]]:
    """Those to work on, and a line for each that is left out."""
    fit: list[str] = []
    notes: list[str] = []
    names = {node.name for node in found}
    for node in found:
        off = settings.sync_off(node.name) if job.kind in SYNCING else ""
        if off:
            notes.append(f"left out: {off}")
        elif isinstance(node.link, Detached):
            notes.append(f"left out: {node.name} was taken out of the settings")
        elif node.same_as in names:
            notes.append(f"left out: {node.name} is the same machine as {node.same_as}")
        else:
            fit.append(node.name)
    return tuple(fit), notes


def _none(job: JobSettings, destination: str, notes: Sequence[str]) -> str:
    if notes:
        return "no node is left to work on"
    beside = f" beside {destination}, which is its destination" if job.kind == "sync" else ""
    return f"no node fits '{job.sources}'{beside}; `nodes list` names them, `nodes add` adds one"


def _words(selector: str) -> list[str]:
    return selector.replace(",", " ").split()
