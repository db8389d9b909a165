"""One look at a node: what is wrong with it now, each in a sentence with the key that helps."""

from __future__ import annotations

from console.fleet.alerts import Finding, Severity, Survey
from console.fleet.history import NodeHistory
from console.fleet.model import Attention, Down, Node, ProblemKind, Stale, Up
from console.fleet.rules import AlertRules


def survey(node: Node, history: NodeHistory, rules: AlertRules, now: float) -> Survey:
    """All findings. Of a node that cannot be seen only the link is judged; the rest is unknown."""
    link = node.link
    if not isinstance(link, (Up, Stale)):
        return Survey(tuple(_link(node, rules)), blind=True)
    return Survey(())


def _link(node: Node, rules: AlertRules) -> list[Finding]:
    link = node.link
    if isinstance(link, Attention) and rules.node_attention.enabled:
        trust = link.problem.kind is ProblemKind.HOST_KEY_UNKNOWN
        key, help_ = ("T", "compares and trusts the key") if trust else ("d", "says what to do")
        return [
            Finding(
                "node_attention", "", link.problem.text, key, help_, Severity.CRITICAL,
                rules.node_attention,
            )
        ]  # fmt: skip
    if isinstance(link, Down) and rules.node_down.enabled:
        return [
            Finding(
                "node_down", "", f"down: {link.problem.text}", "d", "says why and what to do",
                Severity.CRITICAL, rules.node_down,
            )
        ]  # fmt: skip
    return []
