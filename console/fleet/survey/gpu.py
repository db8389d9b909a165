"""What is wrong with a node's GPUs: hot, lost, not answering, or held without being used."""

from __future__ import annotations

from console import formatting
from console.fleet.alerts import Finding, Severity
from console.fleet.rules import AlertRules
from console.fleet.survey.sentence import finding
from workers.protocol import Gpu, Sample

_IDLE_PERCENT = 1.0
_CRITICAL_OVER_C = 8.0


def look_at_gpus(
    sample: Sample, rules: AlertRules, findings: list[Finding], unknown: set[str]
) -> None:
    """The driver, then each GPU. What a silent driver hides is unknown, not well."""
    report = sample.gpu
    if report.fault is not None:
        unknown.update(("gpu_hot", "gpu_lost", "gpu_idle_held", "gpu_driver"))
        if rules.gpu_driver.enabled:
            text = f"the GPUs cannot be read: {report.fault}"
            findings.append(finding("gpu_driver", text, rules.gpu_driver))
        return
    for gpu in report.gpus:
        if gpu.lost or gpu.fault is not None:
            _faulty(gpu, rules, findings, unknown)
        else:
            _hot(gpu, rules, findings)
            _idle_held(gpu, sample, rules, findings)


def _called(gpu: Gpu) -> str:
    return f"GPU {gpu.gpu_index} ({gpu.name})" if gpu.name else f"GPU {gpu.gpu_index}"


def _faulty(gpu: Gpu, rules: AlertRules, findings: list[Finding], unknown: set[str]) -> None:
    subject = str(gpu.gpu_index)
    unknown.update((f"gpu_hot:{subject}", f"gpu_idle_held:{subject}"))
    xid = f" (Xid {gpu.xid})" if gpu.xid is not None else ""
    if gpu.lost and rules.gpu_lost.enabled:
        why = f": {gpu.fault}" if gpu.fault and gpu.fault != "lost" else ""
        text = f"{_called(gpu)} is lost to the system{xid}{why}"
        findings.append(finding("gpu_lost", text, rules.gpu_lost, subject, Severity.CRITICAL))
    elif not gpu.lost:
        unknown.add(f"gpu_lost:{subject}")
        if rules.gpu_driver.enabled:
            text = f"{_called(gpu)} cannot be read{xid}: {gpu.fault}"
            findings.append(finding("gpu_driver", text, rules.gpu_driver, subject))


def _hot(gpu: Gpu, rules: AlertRules, findings: list[Finding]) -> None:
    rule, heat = rules.gpu_hot, gpu.temperature_c
    if not rule.enabled or heat is None or heat < rule.limit:
        return
    thermal = [reason for reason in gpu.throttle_reasons if "thermal" in reason.lower()]
    slowed = f" and slows down ({thermal[0]})" if thermal else ""
    text = f"{_called(gpu)} is at {heat:.0f} °C{slowed}"
    critical = bool(thermal) or heat >= rule.limit + _CRITICAL_OVER_C
    severity = Severity.CRITICAL if critical else Severity.WARNING
    findings.append(finding("gpu_hot", text, rule, str(gpu.gpu_index), severity))


def _idle_held(gpu: Gpu, sample: Sample, rules: AlertRules, findings: list[Finding]) -> None:
    rule, held, total = rules.gpu_idle_held, gpu.memory_used_bytes, gpu.memory_total_bytes
    if not rule.enabled or gpu.utilization_percent is None or held is None or not total:
        return
    if gpu.utilization_percent > _IDLE_PERCENT or 100.0 * held / total < rule.limit:
        return
    holders = _holders(gpu, sample) or "a process that cannot be seen from here"
    text = (
        f"{_called(gpu)} did no work for {formatting.age(rule.for_s)} or more, "
        f"while {formatting.memory(held)} of its memory are held by {holders}"
    )
    findings.append(finding("gpu_idle_held", text, rule, str(gpu.gpu_index)))


def _holders(gpu: Gpu, sample: Sample) -> str:
    known = {process.pid: process for process in sample.top}
    owners = sorted(gpu.processes, key=lambda p: -(p.memory_bytes or 0))[:3]
    names = []
    for owner in owners:
        process = known.get(owner.pid)
        who = f"{process.name} ({owner.pid}, {process.user})" if process else f"process {owner.pid}"
        names.append(who)
    return ", ".join(names)
