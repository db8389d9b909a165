"""Where a dataset is kept, by the definitions of the jobs: whose manifests the ledger is made of.

`here` is the name of this machine's node: the destination of jobs that name none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.fleet.model import NodeSpec
from console.settings.jobs import JobSettings
from console.settings.selectors import selects

_KEEPING = frozenset({"sync", "aggregate", "backup"})


@dataclass(frozen=True)
class Destination:
    """A folder of a node that data come to."""

    node: str
    path: str

    def __str__(self) -> str:
        return f"{self.node}:{self.path}"


def destinations(jobs: Iterable[JobSettings], dataset: str, here: str) -> tuple[Destination, ...]:
    """Every place the dataset may come to, each once, as the jobs name them."""
    found = (_destination(job, here) for job in jobs if _keeps(job) and _takes(job, dataset))
    return tuple(dict.fromkeys(found))


def needs_backup(jobs: Iterable[JobSettings], dataset: str) -> bool:
    """True where a backup is configured for the dataset: being aggregated is not enough then."""
    return any(
        job.kind == "backup" and "consolidated" in job.what and _takes(job, dataset) for job in jobs
    )


def is_source(jobs: Iterable[JobSettings], dataset: str, node: NodeSpec, here: str) -> bool:
    """True where some job brings the dataset from this node. A destination is its own source only by name."""
    return any(
        job.kind == "sync"
        and job.direction == "pull"
        and _takes(job, dataset)
        and selects(job.sources, node.name, node.tags)
        and (_destination(job, here).node != node.name or node.name in _named(job.sources))
        for job in jobs
    )


def _keeps(job: JobSettings) -> bool:
    return job.kind in _KEEPING and job.direction == "pull"


def _takes(job: JobSettings, dataset: str) -> bool:
    return not job.datasets or dataset in job.datasets


def _destination(job: JobSettings, here: str) -> Destination:
    return Destination(job.destination.node or here, job.destination.path)


def _named(selector: str) -> set[str]:
    return set(selector.replace(",", " ").split())
