"""What holds a node, or the fleet, back: facts, why, and the key that helps, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from console import formatting
from console.fleet.alerts import Alert, worst
from console.fleet.history import HOUR_S, NodeHistory, gpu_percent, memory_percent
from console.fleet.ledger import Entry, is_late, unsynced_text
from console.fleet.lifecycle import is_slow
from console.fleet.model import Attention, Connecting, Down, Node, Up
from console.fleet.survey.disk import used_percent
from console.fleet.survey.sentence import by_cpu
from console.fleet.workers.groups import RUN, counts, groups
from console.fleet.workers.view import WorkerView
from console.fleet.workers.words import per_minute

_STARVED_GPU_PERCENT = 30.0
_BUSY_CPU_PERCENT = 90.0
_WAITING_PERCENT = 20.0
_STOLEN_PERCENT = 10.0
# Alerts that call for a diagnosis: what to do when it stands before one's eyes already.
_NEXT = {
    "node_down": ("Ctrl-R", "tries again at once"),
    "node_attention": ("Ctrl-R", "tries again when that is done"),
    "worker_warning": ("Enter", "opens the node: Workers shows it"),
    "dataset_stale": ("Enter", "opens the node: Processes says whether what writes it still runs"),
}
_SYNC = ("b s", "syncs")
_NO_LEDGER: Mapping[str, Entry] = MappingProxyType({})


@dataclass(frozen=True)
class Diagnosis:
    """`headline` in one sentence; `next_key` is "" where nothing needs to be done."""

    headline: str
    facts: tuple[str, ...]
    reasons: tuple[str, ...]
    next_key: str = ""
    next_help: str = ""


def diagnose(
    node: Node,
    history: NodeHistory,
    alerts: Iterable[Alert],
    now: float,
    workers: Sequence[WorkerView] = (),
    ledger: Mapping[str, Entry] = _NO_LEDGER,
    clock: float = 0.0,
) -> Diagnosis:
    """What is known of one node, what is wrong with it, and what to do first.

    `ledger`: its datasets by name; `clock` is our wall clock.
    """
    own = [alert for alert in alerts if alert.node == node.name]
    said = {"node_down", "node_attention"} if isinstance(node.link, (Down, Attention)) else set()
    told = [_alert_reason(alert, now) for alert in own if alert.kind not in said]
    reasons = [*_link_reasons(node, now), *told]
    first = next((alert for alert in own if not alert.suspended), None)
    if isinstance(node.link, Up):
        reasons += _machine_reasons(node)
    late = _late(ledger, clock)
    facts = (*_facts(node, history, now), *_ledger_facts(ledger, clock), *_worker_facts(workers))
    if first is not None:
        key, help_ = _NEXT[first.kind] if first.key == "d" else (first.key, first.help)
        return Diagnosis(f"{node.name}: {first.text}", facts, (*reasons, *late), key, help_)
    if late and not reasons:
        return Diagnosis(f"{node.name}: {late[0]}", facts, tuple(late), *_SYNC)
    reasons += late
    if reasons:
        return Diagnosis(f"{node.name}: {reasons[0]}", facts, tuple(reasons), "Enter", "shows more")
    return Diagnosis(f"{node.name} is {node.state}; nothing is wrong that can be seen", facts, ())


def diagnose_fleet(nodes: Iterable[Node], alerts: Iterable[Alert]) -> str:
    """The worst problem of the fleet in one sentence; several nodes with one reason are one problem."""
    present = [node for node in nodes if node.same_as is None]
    if not present:
        return (
            "no node yet: name hosts on the command line, or add them with `quarterdeck nodes add`"
        )
    silent: dict[str, list[str]] = {}
    for node in present:
        if isinstance(node.link, Down):
            silent.setdefault(node.link.problem.kind.value, []).append(node.name)
    kind, names = max(silent.items(), key=lambda item: len(item[1]), default=("", []))
    if len(names) >= max(3, len(present) // 2):
        return (
            f"{len(names)} of {len(present)} nodes do not answer ({kind}): "
            f"look at the network or a shared bastion first ({_some(names)}) → d"
        )
    alert = worst(alerts)
    if alert is not None:
        return alert.sentence
    opening = sum(isinstance(node.link, Connecting) for node in present)
    if opening:
        return f"{opening} of {len(present)} nodes are being connected to"
    return "nothing is wrong that can be seen"


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _link_reasons(node: Node, now: float) -> list[str]:
    link = node.link
    reasons = []
    if isinstance(link, (Down, Attention)):
        problem = link.problem
        reasons.append(f"{problem.kind.value}: {problem.text}")
        if problem.remedy:
            reasons.append(problem.remedy)
    elif not isinstance(link, Up):
        reasons.append(f"{node.state}: {node.reason}")
    if isinstance(link, Down) and link.retry_at is not None:
        reasons.append(f"tried again in {formatting.age(link.retry_at - now)}")
    if is_slow(node):
        trip = formatting.age(node.round_trip_s)
        reasons.append(f"the link is slow: {trip} there and back; slow is not down")
    return reasons


def _alert_reason(alert: Alert, now: float) -> str:
    held = formatting.age(now - alert.since)
    note = "; not known now, the node cannot be seen" if alert.suspended else ""
    return f"{alert.text} (for {held}{note})"


def _machine_reasons(node: Node) -> list[str]:
    """What no single limit shows: figures that explain each other."""
    if node.sample is None:
        return ["no reading yet"]
    host, gpu = node.sample.host, gpu_percent(node.gpu)
    reasons = []
    if (host.iowait_percent or 0.0) >= _WAITING_PERCENT:
        reasons.append(f"the processors wait for disks {host.iowait_percent:.0f} % of the time")
    if (host.steal_percent or 0.0) >= _STOLEN_PERCENT:
        reasons.append(f"the host machine takes {host.steal_percent:.0f} % of the processors away")
    starved = gpu is not None and gpu < _STARVED_GPU_PERCENT
    if starved and (host.cpu_percent or 0.0) >= _BUSY_CPU_PERCENT:
        rivals = by_cpu(node.sample.top)
        reasons.append(
            f"the GPUs are {gpu:.0f} % busy while the processors are full: they are not fed"
            + (f" ({rivals})" if rivals else "")
        )
    throttled = [g for g in node.gpu.gpus if g.throttle_reasons]
    for one in throttled[:4]:
        reasons.append(f"GPU {one.gpu_index} is slowed down: {', '.join(one.throttle_reasons)}")
    return reasons


def _facts(node: Node, history: NodeHistory, now: float) -> list[str]:
    facts = [f"state {node.state} for {formatting.age(now - node.link.since)}"]
    if node.same_as:
        facts.append(f"the same machine as {node.same_as}; counted there")
    if node.hello:
        hello = node.hello
        facts.append(f"{hello.user}@{hello.hostname}, {hello.system}, {hello.cores} cores")
        facts += [f"at the start: {warning}" for warning in hello.warnings]
    if node.heartbeat_at is not None:
        facts.append(f"last heard {formatting.age(now - node.heartbeat_at)} ago")
    facts += _sample_facts(node, history)
    for count in node.counts:
        rate = history.dataset_rate(count.name, HOUR_S)
        known = formatting.count(count.records) if count.records is not None else count.reason
        facts.append(
            f"{count.name}: {known or 'not counted yet'}, {formatting.count(rate)} an hour"
        )
    return facts


def _late(ledger: Mapping[str, Entry], clock: float) -> list[str]:
    """What a job should have brought from here long ago."""
    return [
        f"{entry.dataset}: {unsynced_text(entry, clock)} → {' '.join(_SYNC)}"
        for entry in ledger.values()
        if is_late(entry, clock)
    ]


def _ledger_facts(ledger: Mapping[str, Entry], clock: float) -> list[str]:
    return [
        f"{entry.dataset}: {text}"
        for entry in ledger.values()
        if not is_late(entry, clock) and (text := unsynced_text(entry, clock))
    ]


def _worker_facts(workers: Sequence[WorkerView]) -> list[str]:
    """How many of which state, and what each group does a minute."""
    counted = counts(workers)
    if not counted:
        return []
    unseen = next((view for view in workers if not view.reachable), None)
    when = f", as last seen {formatting.age(unseen.age_s)} ago" if unseen else ""
    facts = ["workers: " + ", ".join(f"{number} {word}" for word, number in counted) + when]
    for group in groups(workers):
        rate = group.per_minute
        if group.word == RUN and rate is not None:
            facts.append(f"{group.stem}: {per_minute(rate)} a minute")
    return facts


def _sample_facts(node: Node, history: NodeHistory) -> list[str]:
    if node.sample is None:
        return []
    host = node.sample.host
    load = f", load {host.load[0]:.1f}" if host.load else ""
    facts = [
        f"CPU {formatting.percent(host.cpu_percent)}{load}, "
        f"memory {formatting.percent(memory_percent(node.sample))}"
    ]
    if node.gpu.gpus:
        busy = formatting.percent(gpu_percent(node.gpu))
        number = len(node.gpu.gpus)
        facts.append(
            f"1 GPU, {busy} busy" if number == 1 else f"{number} GPUs, {busy} busy on average"
        )
    elif node.gpu.fault:
        facts.append(f"GPUs: {node.gpu.fault}")
    for disk in node.sample.disks:
        room = disk.fault or f"{formatting.percent(used_percent(disk))} full"
        full_in = history.disk_full_in_s(disk.path)
        facts.append(
            f"{disk.path} {room}" + (f", full in {formatting.age(full_in)}" if full_in else "")
        )
    return facts
