"""Alerts: findings that held long enough, what became of them, and which are worst.

A finding is what a look at one node shows now; an alert is a finding that held for its rule's time. An
alert of a node that cannot be seen is suspended: it neither ends nor counts as fixed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from console.fleet.rules import Rule

_HISTORY = 500


class Severity(str, Enum):
    """How bad it is."""

    CRITICAL = "critical"
    WARNING = "warning"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return 0 if self is Severity.CRITICAL else 1


class Finding(NamedTuple):
    """What a look at a node shows: one sentence, and the key that helps."""

    kind: str
    subject: str  # which disk, GPU or dataset; "" for the node itself
    text: str
    key: str
    help: str  # what the key does here
    severity: Severity
    rule: Rule


@dataclass(frozen=True)
class Alert:
    """A finding that held. `id` is the same each time it comes back; times as in the model."""

    id: str
    node: str
    kind: str
    subject: str
    text: str
    key: str
    help: str
    severity: Severity
    since: float
    since_clock: float
    acknowledged: bool = False
    suspended: bool = False  # the node cannot be seen: unknown, not fixed
    ended_at: float | None = None
    ended_clock: float | None = None

    @property
    def sentence(self) -> str:
        """The whole of it: node, reason, key and what it does."""
        return f"{self.node}: {self.text} → {self.key} {self.help}"


class Survey(NamedTuple):
    """All findings of one look at a node. A kind in `unknown` could not be looked at, wholly or for a subject."""

    findings: tuple[Finding, ...]
    unknown: frozenset[str] = frozenset()  # "kind" or "kind:subject"
    blind: bool = False  # nothing but the link's own kinds could be looked at


LINK_KINDS = frozenset({"node_down", "node_attention"})
_QUIET = Survey(())


class _Alarm:
    """One finding's course: pending since `first`, then an alert, then going since `gone`."""

    __slots__ = ("alert", "finding", "first", "first_clock", "gone")

    def __init__(self, finding: Finding, at: float, clock: float) -> None:
        self.finding = finding
        self.first = at
        self.first_clock = clock
        self.alert: Alert | None = None
        self.gone: float | None = None


class AlertBook:
    """All alarms of the fleet by node, and the history of alerts. Mutated only by the store."""

    def __init__(self) -> None:
        self._alarms: dict[str, dict[str, _Alarm]] = {}
        self._ended: deque[Alert] = deque(maxlen=_HISTORY)
        self._seen: set[str] = set()  # ids acknowledged and not ended since
        self._active: tuple[Alert, ...] | None = ()

    @property
    def active(self) -> tuple[Alert, ...]:
        """Worst first: not yet acknowledged, then by severity, then the oldest."""
        if self._active is None:
            alerts = [
                a.alert for alarms in self._alarms.values() for a in alarms.values() if a.alert
            ]
            self._active = tuple(sorted(alerts, key=_badness))
        return self._active

    @property
    def history(self) -> tuple[Alert, ...]:
        """Active and ended, newest first, bounded."""
        alerts = [*self.active, *self._ended]
        return tuple(sorted(alerts, key=lambda a: (-a.since, a.id))[:_HISTORY])

    def of(self, node: str) -> tuple[Alert, ...]:
        """The active alerts of one node, worst first."""
        alarms = self._alarms.get(node)
        if not alarms:
            return ()
        return tuple(sorted((a.alert for a in alarms.values() if a.alert), key=_badness))

    def note(self, node: str, survey: Survey, at: float, clock: float) -> bool:
        """Takes one look at a node in; True where the active alerts changed."""
        alarms = self._alarms.get(node)
        if alarms is None:
            if not survey.findings:
                return False
            alarms = self._alarms[node] = {}
        changed = False
        seen = set()
        for finding in survey.findings:
            key = f"{finding.kind}:{finding.subject}"
            seen.add(key)
            changed |= self._raise(node, alarms, key, finding, at, clock)
        for key in [key for key in alarms if key not in seen]:
            hidden = _is_hidden(alarms[key].finding, key, survey)
            changed |= (
                self._suspend(alarms, key) if hidden else self._settle(alarms, key, at, clock)
            )
        if not alarms:
            del self._alarms[node]
        if changed:
            self._active = None
        return changed

    def drop(self, node: str, at: float, clock: float) -> bool:
        """The node left the fleet: its alerts end."""
        alarms = self._alarms.pop(node, {})
        ended = [alarm for alarm in alarms.values() if alarm.alert]
        for alarm in ended:
            self._end(alarm, at, clock)
        if ended:
            self._active = None
        return bool(ended)

    @property
    def acknowledged(self) -> frozenset[str]:
        """Ids that a person has seen and that have not ended since, active or not."""
        return frozenset(self._seen)

    def acknowledge(self, ids: Iterable[str]) -> bool:
        """Marks alerts as seen, those too that are only about to begin; True where active ones changed."""
        wanted = frozenset(ids)
        self._seen |= wanted
        changed = False
        for alarms in self._alarms.values():
            for alarm in alarms.values():
                alert = alarm.alert
                if alert is not None and alert.id in wanted and not alert.acknowledged:
                    alarm.alert = replace(alert, acknowledged=True)
                    changed = True
        if changed:
            self._active = None
        return changed

    def _raise(
        self,
        node: str,
        alarms: dict[str, _Alarm],
        key: str,
        finding: Finding,
        at: float,
        clock: float,
    ) -> bool:
        alarm = alarms.get(key)
        if alarm is None:
            alarm = alarms[key] = _Alarm(finding, at, clock)
        alarm.gone = None
        alarm.finding = finding
        alert = alarm.alert
        if alert is None:
            if at - alarm.first < finding.rule.for_s:
                return False
            alarm.alert = _alert(node, key, finding, alarm, f"{node}:{key}" in self._seen)
            return True
        if (
            alert.text == finding.text
            and not alert.suspended
            and alert.severity is finding.severity
        ):
            return False
        alarm.alert = replace(
            alert,
            text=finding.text,
            key=finding.key,
            help=finding.help,
            severity=finding.severity,
            suspended=False,
        )
        return True

    def _suspend(self, alarms: dict[str, _Alarm], key: str) -> bool:
        alarm = alarms[key]
        alarm.gone = None
        if alarm.alert is None:
            del alarms[key]  # it was not seen for its whole time
            return False
        if alarm.alert.suspended:
            return False
        alarm.alert = replace(alarm.alert, suspended=True)
        return True

    def _settle(self, alarms: dict[str, _Alarm], key: str, at: float, clock: float) -> bool:
        alarm = alarms[key]
        if alarm.alert is None:
            del alarms[key]
            return False
        if alarm.gone is None:
            alarm.gone = at
        if at - alarm.gone < alarm.finding.rule.clear_s:
            if not alarm.alert.suspended:
                return False
            alarm.alert = replace(alarm.alert, suspended=False)
            return True
        del alarms[key]
        self._end(alarm, at, clock)
        return True

    def _end(self, alarm: _Alarm, at: float, clock: float) -> None:
        assert alarm.alert is not None
        self._seen.discard(alarm.alert.id)
        self._ended.append(replace(alarm.alert, ended_at=at, ended_clock=clock, suspended=False))


def _alert(node: str, key: str, finding: Finding, alarm: _Alarm, seen: bool) -> Alert:
    return Alert(
        id=f"{node}:{key}",
        node=node,
        kind=finding.kind,
        subject=finding.subject,
        text=finding.text,
        key=finding.key,
        help=finding.help,
        severity=finding.severity,
        since=alarm.first,
        since_clock=alarm.first_clock,
        acknowledged=seen,
    )


def _is_hidden(finding: Finding, key: str, survey: Survey) -> bool:
    if finding.kind in LINK_KINDS:
        return False
    return survey.blind or finding.kind in survey.unknown or key in survey.unknown


# Work that stands still comes before what may be its cause: its sentence names that.
_STANDSTILL = ("worker_writer_blocked", "worker_stalled")


def _badness(alert: Alert) -> tuple[bool, bool, int, int, float, str]:
    idle = _STANDSTILL.index(alert.kind) if alert.kind in _STANDSTILL else len(_STANDSTILL)
    seen = (alert.acknowledged, alert.suspended)
    return (*seen, alert.severity.rank, idle, alert.since, alert.id)


def worst(alerts: Iterable[Alert]) -> Alert | None:
    """The first that is worth a line at the top: neither acknowledged nor suspended."""
    return next((a for a in alerts if not a.acknowledged and not a.suspended), None)
