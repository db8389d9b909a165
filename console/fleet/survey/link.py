"""What is wrong with the link to a node, and with its clock."""

from __future__ import annotations

from console import formatting
from console.fleet.alerts import Finding, Severity
from console.fleet.model import Attention, Down, Node, ProblemKind
from console.fleet.rules import AlertRules
from console.fleet.survey.sentence import finding


def look_at_link(node: Node, rules: AlertRules) -> tuple[Finding, ...]:
    """Down and attention; a link that is being made or is stale is not wrong yet."""
    link = node.link
    if isinstance(link, Attention) and rules.node_attention.enabled:
        text, rule = f"waits for you: {link.problem.text}", rules.node_attention
        if link.problem.kind is ProblemKind.HOST_KEY_UNKNOWN:
            help_ = "shows the key to compare and trust"
            return (finding("node_attention", text, rule, "", Severity.CRITICAL, "T", help_),)
        return (finding("node_attention", text, rule, "", Severity.CRITICAL),)
    if isinstance(link, Down) and rules.node_down.enabled:
        text = f"does not answer: {link.problem.text}"
        return (finding("node_down", text, rules.node_down, "", Severity.CRITICAL),)
    return ()


def look_at_clock(node: Node, rules: AlertRules, findings: list[Finding]) -> None:
    """A clock that is off shifts the times of files and logs."""
    rule, offset = rules.clock_skew, node.clock_offset_s
    if not rule.enabled or offset is None or abs(offset) <= rule.limit:
        return
    way = "ahead of" if offset > 0 else "behind"
    text = f"its clock is {formatting.age(abs(offset))} {way} this machine's, so its file times mislead"
    findings.append(finding("clock_skew", text, rule))
