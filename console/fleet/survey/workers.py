"""What is wrong with a node's workers. Copies of one worker with the same trouble are one finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from console.fleet.alerts import Alert, Finding, Severity
from console.fleet.rules import AlertRules, Rule
from console.fleet.survey.sentence import finding
from console.fleet.workers import health, words
from console.fleet.workers.view import WorkerView

_NAMED = 3

Fix = tuple[str | None, str | None]  # a key and what it does; None: as usual for the kind


class _Trouble(NamedTuple):
    """`says` gives the end of the sentence that begins with who it is about."""

    kind: str
    has: Callable[[WorkerView], bool]
    one: str  # "selfplay-1 …"
    many: str  # "4 workers …"
    says: Callable[[WorkerView], str]
    severity: Severity = Severity.WARNING
    fix: Callable[[WorkerView], Fix] = lambda view: (None, None)  # key and help, where not as usual


def look_at_workers(
    views: Iterable[WorkerView], rules: AlertRules, findings: list[Finding]
) -> None:
    """The newest run of each name; ad-hoc commands show their end where they were asked."""
    shown = [view for view in views if view.newest and not _is_calm(view)]
    for trouble in _TROUBLES if shown else ():
        groups: dict[str, list[WorkerView]] = {}
        for view in shown:
            if trouble.has(view):
                groups.setdefault(view.stem, []).append(view)
        rule = _rule(trouble.kind, rules)
        if not rule.enabled:
            continue
        findings += [_found(trouble, rule, stem, group) for stem, group in groups.items()]


def concerned(alert: Alert, views: Sequence[WorkerView]) -> tuple[WorkerView, ...]:
    """Of one node's `views` those that an alert is about; none where it is not about workers."""
    trouble = next((trouble for trouble in _TROUBLES if trouble.kind == alert.kind), None)
    if trouble is None:
        return ()
    copies = [view for view in views if view.newest and view.stem == alert.subject]
    return tuple(view for view in copies if trouble.has(view)) or tuple(copies)


def _is_calm(view: WorkerView) -> bool:
    """Nothing can be wrong with it: most are, and are looked at no closer."""
    record = view.record
    if record.kind == "command":
        return True
    return view.live and not (view.unwell or record.flags or record.warnings)


def _rule(kind: str, rules: AlertRules) -> Rule:
    rule: Rule = getattr(rules, kind)
    return replace(rule, for_s=0.0) if kind in _JUDGED else rule


def _found(trouble: _Trouble, rule: Rule, stem: str, group: list[WorkerView]) -> Finding:
    key, help_ = _OF_JOB if group[0].record.kind == "job" else trouble.fix(group[0])
    text = _sentence(trouble, group)
    return finding(trouble.kind, text, rule, stem, trouble.severity, key, help_)


def _sentence(trouble: _Trouble, group: list[WorkerView]) -> str:
    reason = trouble.says(group[0])
    if len(group) == 1:
        return f"{group[0].name} {trouble.one}{reason}"
    names = ", ".join(view.name for view in group[:_NAMED])
    more = ", …" if len(group) > _NAMED else ""
    return f"{len(group)} workers {trouble.many}{reason} ({names}{more})"


# ------------------------------------------------------------ what can be wrong

_OF_JOB: Fix = ("3", "shows it among the jobs: r retries what failed, x cancels")


def _of_full_disk(view: WorkerView) -> Fix:
    if " is full, " in view.reason:
        return "Enter", "opens the node: Disks & data says what fills it"
    return None, None


def _of_lost(view: WorkerView) -> Fix:
    if view.record.lost_reason == "reboot":
        return "r", "starts it again"
    return None, None


def _judged_as(word: str) -> Callable[[WorkerView], bool]:
    return lambda view: view.health == word


def _exited_badly(view: WorkerView) -> bool:
    record = view.record
    return (
        record.state == "exited"
        and record.desired == "running"
        and record.exit_code != 0
        and view.health != health.CRASH_LOOP
    )


def _reason(view: WorkerView) -> str:
    return f": {view.reason}" if view.reason else ""


def _ended(view: WorkerView) -> str:
    return f": {words.wanted_and_actual(view.record)}"


_TROUBLES = (
    _Trouble("worker_writer_blocked", _judged_as(health.WRITER_BLOCKED),
             "is blocked", "are blocked",
             _reason, Severity.CRITICAL, _of_full_disk),
    _Trouble("worker_stalled", _judged_as(health.STALLED),
             "is stalled", "are stalled", _reason, Severity.CRITICAL),
    _Trouble("worker_crash_loop", _judged_as(health.CRASH_LOOP),
             "crashes again and again", "crash again and again", _reason, Severity.CRITICAL),
    _Trouble("worker_slow", _judged_as(health.SLOW), "is slow", "are slow", _reason),
    _Trouble("worker_lost", lambda view: view.record.state == "lost", "is ", "are ",
             lambda view: f"{words.lost(view.record)}; wanted {view.record.desired}",
             Severity.CRITICAL, _of_lost),
    _Trouble("worker_exited_badly", _exited_badly, "is over", "are over", _ended, Severity.CRITICAL),
    _Trouble("worker_kill_pending", lambda view: bool(view.record.kill_pending),
             "cannot be ended yet: ", "cannot be ended yet: ",
             lambda view: words.actual(view.record)),
    _Trouble("worker_unguarded", lambda view: view.live and "unguarded" in view.record.flags,
             "is unguarded", "are unguarded",
             lambda view: ": of the two processes that watch it one is gone; with the other its exit code would be lost"),
    _Trouble("worker_warning", lambda view: view.live and bool(view.record.warnings),
             "runs with a warning: ", "run with a warning: ",
             lambda view: "; ".join(view.record.warnings)),
)  # fmt: skip
WORKER_KINDS = frozenset(trouble.kind for trouble in _TROUBLES)
_JUDGED = frozenset(  # their time was waited for already, in watched seconds
    {"worker_slow", "worker_stalled", "worker_crash_loop", "worker_writer_blocked"}
)
