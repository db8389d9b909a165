"""What is wrong with a node's memory and processors."""

from __future__ import annotations

from console import formatting
from console.fleet.alerts import Finding, Severity
from console.fleet.model import Node
from console.fleet.rules import AlertRules
from console.fleet.survey.sentence import by_cpu, by_memory, finding
from workers.protocol import Sample


def look_at_host(node: Node, sample: Sample, rules: AlertRules, findings: list[Finding]) -> None:
    """Memory, swap and processors that are contended for."""
    _memory(sample, rules, findings)
    _swap(sample, rules, findings)
    _processors(node, sample, rules, findings)


def _memory(sample: Sample, rules: AlertRules, findings: list[Finding]) -> None:
    rule, memory = rules.memory, sample.host.memory
    if not rule.enabled or memory.used_bytes is None or not memory.total_bytes:
        return
    used = 100.0 * memory.used_bytes / memory.total_bytes
    if used < rule.limit:
        return
    left = formatting.memory(memory.total_bytes - memory.used_bytes)
    holders = by_memory(sample.top)
    who = f"; {holders} hold most" if holders else ""
    text = f"memory is {used:.0f} % used, {left} left{who}"
    severity = Severity.CRITICAL if used >= 98.5 else Severity.WARNING
    findings.append(finding("memory", text, rule, "", severity))


def _swap(sample: Sample, rules: AlertRules, findings: list[Finding]) -> None:
    rule, memory = rules.swap, sample.host.memory
    if not rule.enabled or memory.swap_used_bytes is None or not memory.swap_total_bytes:
        return
    used = 100.0 * memory.swap_used_bytes / memory.swap_total_bytes
    if used >= rule.limit:
        amount = formatting.memory(memory.swap_used_bytes)
        text = f"swap is {used:.0f} % used ({amount}), which makes everything there slow"
        findings.append(finding("swap", text, rule))


def _processors(node: Node, sample: Sample, rules: AlertRules, findings: list[Finding]) -> None:
    rule, load = rules.cpu_contention, sample.host.load
    cores = node.hello.cores if node.hello else 0
    if not rule.enabled or not load or cores <= 0 or load[0] <= cores * rule.limit:
        return
    rivals = by_cpu(sample.top)
    who = f"; {rivals} compete" if rivals else "; no single process stands out"
    text = f"load {load[0]:.0f} on {cores} cores{who}"
    findings.append(finding("cpu_contention", text, rule))
