"""What is wrong with a node's disks: full, soon full, or out of inodes."""

from __future__ import annotations

from console import formatting
from console.fleet.alerts import Finding, Severity
from console.fleet.history import NodeHistory
from console.fleet.rules import AlertRules
from console.fleet.survey.sentence import finding
from workers.protocol import Disk, Sample

_FORECAST_FROM_PERCENT = (
    50.0  # a nearly empty disk that fills fast is usually a start, not a danger
)
_CRITICAL_PERCENT, _CRITICAL_S = 97.0, 3600.0


def used_percent(disk: Disk) -> float | None:
    """As df says it: of what an ordinary user can have; None if the node does not say."""
    if disk.used_bytes is None:
        return None
    available = disk.available_bytes
    room = disk.total_bytes if available is None else disk.used_bytes + available
    return 100.0 * disk.used_bytes / room if room else None


def inodes_percent(disk: Disk) -> float | None:
    """Inodes used, percent; None where the file system has no fixed number."""
    if disk.inodes_used is None or not disk.inodes_total:
        return None
    return 100.0 * disk.inodes_used / disk.inodes_total


def look_at_disks(
    sample: Sample,
    history: NodeHistory,
    rules: AlertRules,
    findings: list[Finding],
    unknown: set[str],
) -> None:
    """Each watched disk that can be written to."""
    for disk in sample.disks:
        if disk.fault is not None:
            unknown.update((f"disk_nearly_full:{disk.path}", f"inodes:{disk.path}"))
        elif not disk.read_only:
            _room(disk, history, rules, findings)
            _inodes(disk, rules, findings)


def _room(disk: Disk, history: NodeHistory, rules: AlertRules, findings: list[Finding]) -> None:
    used = used_percent(disk)
    if used is None or used < min(rules.disk_nearly_full.limit, _FORECAST_FROM_PERCENT):
        return
    full_in = history.disk_full_in_s(disk.path)
    nearly, soon = rules.disk_nearly_full, rules.disk_full_within
    if nearly.enabled and used >= nearly.limit:
        rule = nearly
    elif soon.enabled and full_in is not None and full_in <= soon.limit:
        rule = soon
    else:
        return
    urgent = used >= _CRITICAL_PERCENT or (full_in is not None and full_in <= _CRITICAL_S)
    severity = Severity.CRITICAL if urgent else Severity.WARNING
    findings.append(
        finding("disk_nearly_full", _sentence(disk, used, full_in), rule, disk.path, severity)
    )


def _sentence(disk: Disk, used: float, full_in: float | None) -> str:
    if disk.available_bytes is not None and disk.available_bytes <= 0:
        return f"{disk.path} is full: nothing can be written there"
    left = formatting.size(disk.available_bytes)
    text = f"{disk.path} is {used:.0f} % full, {left} left"
    return text if full_in is None else f"{text}, full in {formatting.age(full_in)} at this rate"


def _inodes(disk: Disk, rules: AlertRules, findings: list[Finding]) -> None:
    rule, used = rules.inodes, inodes_percent(disk)
    if not rule.enabled or used is None or used < rule.limit:
        return
    text = f"{disk.path} has used {used:.0f} % of its inodes: soon no file can be made, whatever room is left"
    severity = Severity.CRITICAL if used >= 99.0 else Severity.WARNING
    findings.append(finding("inodes", text, rule, disk.path, severity))
