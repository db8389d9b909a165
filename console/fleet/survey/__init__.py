"""One look at a node: what is wrong with it now, each in a sentence with the key that helps."""

from __future__ import annotations

from collections.abc import Sequence

from console.fleet.alerts import Finding, Survey
from console.fleet.history import NodeHistory
from console.fleet.model import Node, Up
from console.fleet.rules import AlertRules
from console.fleet.survey.data import look_at_datasets
from console.fleet.survey.disk import look_at_disks
from console.fleet.survey.gpu import look_at_gpus
from console.fleet.survey.host import look_at_host
from console.fleet.survey.link import look_at_clock, look_at_link
from console.fleet.survey.workers import WORKER_KINDS, look_at_workers
from console.fleet.workers.reported import is_reachable
from console.fleet.workers.view import WorkerView

_SAMPLE_KINDS = frozenset(
    {
        "disk_nearly_full",
        "inodes",
        "memory",
        "swap",
        "gpu_hot",
        "gpu_lost",
        "gpu_driver",
        "gpu_idle_held",
        "cpu_contention",
    }
)
_DATASET_KINDS = frozenset({"dataset_stale", "dataset_unreadable"})


def survey(
    node: Node,
    history: NodeHistory,
    rules: AlertRules,
    now: float,
    workers: Sequence[WorkerView] = (),
) -> Survey:
    """All findings. Of a node that cannot be seen only the link is judged; the rest is unknown."""
    link = node.link
    if not isinstance(link, Up):
        return Survey(look_at_link(node, rules), blind=True)
    findings: list[Finding] = []
    unknown: set[str] = set()
    look_at_clock(node, rules, findings)
    sample = node.sample
    if sample is None or node.sample_at is None or node.sample_at < link.since:
        unknown |= _SAMPLE_KINDS
    else:
        look_at_host(node, sample, rules, findings)
        look_at_disks(sample, history, rules, findings, unknown)
        look_at_gpus(sample, rules, findings, unknown)
    if node.datasets is None or node.datasets_at is None or node.datasets_at < link.since:
        unknown |= _DATASET_KINDS
    else:
        look_at_datasets(node, node.datasets, rules, now, findings, unknown)
    if is_reachable(node):
        look_at_workers(workers, rules, findings)
    else:
        unknown |= WORKER_KINDS
    return Survey(tuple(findings), frozenset(unknown))
