"""What is wrong with a node's datasets: nothing new, or files that cannot be read."""

from __future__ import annotations

from console import formatting
from console.fleet.alerts import Finding
from console.fleet.model import Node
from console.fleet.rules import AlertRules
from console.fleet.survey.disk import used_percent
from console.fleet.survey.sentence import finding
from workers.protocol import DatasetCount, DatasetReport

_FULL_PERCENT = 99.5


def newest_age_s(node: Node, count: DatasetCount, now: float) -> float | None:
    """Seconds since the newest file changed, by the node's own clock; None while it is not known."""
    if node.datasets is None or node.datasets_at is None or count.newest_at is None:
        return None
    return max(0.0, node.datasets.clock - count.newest_at) + max(0.0, now - node.datasets_at)


def look_at_datasets(
    node: Node,
    report: DatasetReport,
    rules: AlertRules,
    now: float,
    findings: list[Finding],
    unknown: set[str],
) -> None:
    """Each counted dataset."""
    stale_after = dict(rules.stale_after) if rules.stale_after else {}
    for count in report.counts:
        age = newest_age_s(node, count, now)
        if age is None:
            unknown.add(f"dataset_stale:{count.name}")
        elif rules.dataset_stale.enabled and age > stale_after.get(count.name, float("inf")):
            text = _stale(node, count, age, stale_after[count.name])
            findings.append(finding("dataset_stale", text, rules.dataset_stale, count.name))
        if count.unreadable_files and rules.dataset_unreadable.enabled:
            findings.append(
                finding(
                    "dataset_unreadable", _unreadable(count), rules.dataset_unreadable, count.name
                )
            )


def _stale(node: Node, count: DatasetCount, age: float, limit: float) -> str:
    text = (
        f"{count.name}: nothing new for {formatting.age(age)} (stale after {formatting.age(limit)})"
    )
    for disk in node.sample.disks if node.sample else ():
        if (used_percent(disk) or 0.0) >= _FULL_PERCENT and not disk.read_only:
            return f"{text}; {disk.path} is full, so nothing can be written there"
    return text


def _unreadable(count: DatasetCount) -> str:
    files = count.unreadable_files
    noun = "file" if files == 1 else "files"
    names = ", ".join(count.unreadable[:3])
    more = ", …" if files > 3 and names else ""
    return f"{count.name}: {files} {noun} unreadable and not counted" + (
        f": {names}{more}" if names else ""
    )
