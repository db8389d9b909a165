"""The nodes that a verb for jobs needs: this machine and where jobs run, and for a plan those it works on."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from console.cli.connect import opened, settings_of, wait_for
from console.cli.output import complain
from console.cli.workers.fleet import has_told
from console.settings.hosts import LOCAL
from console.settings.selectors import selects

if TYPE_CHECKING:
    from console.runtime import Runtime
    from console.settings.jobs import JobSettings
    from console.settings.model import Settings


@asynccontextmanager
async def homes(options: Namespace) -> AsyncIterator[Runtime]:
    """A runtime on the nodes where jobs run, which have told of their runs; the others are not dialled."""
    settings = settings_of(options).settings
    async with _on(options, _homes(settings, settings.jobs)) as runtime:
        yield runtime


@asynccontextmanager
async def works(options: Namespace, names: Iterable[str], only: str = "") -> AsyncIterator[Runtime]:
    """The same with the sources of these jobs, or those that the selector `only` takes; a step of a pipeline is a job too."""
    settings = settings_of(options).settings
    known = {job.name: job for job in settings.jobs}
    meant = _with_steps(names, known)
    sources = (
        spec.name
        for spec in settings.node_specs()
        if any(selects(only or job.sources, spec.name, spec.tags) for job in meant)
    )
    async with _on(options, (*_homes(settings, meant), *sources)) as runtime:
        yield runtime


@asynccontextmanager
async def _on(options: Namespace, names: Iterable[str]) -> AsyncIterator[Runtime]:
    demo = getattr(options, "demo", False)
    async with opened(options, () if demo else tuple(dict.fromkeys(names))) as runtime:
        here = runtime.orchestrator()
        nodes = runtime.store.nodes
        await wait_for(runtime, lambda: all(has_told(node) for node in nodes.values()))
        if not has_told(nodes[here]) or nodes[here].state != "up":
            complain(f"{here} could not be asked: {nodes[here].reason or nodes[here].state}")
        yield runtime


def _homes(settings: Settings, jobs: Iterable[JobSettings]) -> tuple[str, ...]:
    """This machine, and those of the settings that are a destination."""
    meant = {job.destination.node for job in jobs}
    return (LOCAL, *(spec.name for spec in settings.node_specs() if spec.name in meant))


def _with_steps(names: Iterable[str], known: dict[str, JobSettings]) -> list[JobSettings]:
    found: dict[str, JobSettings] = {}
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name in known and name not in found:
            found[name] = known[name]
            ahead += known[name].steps
    return list(found.values())
