"""Who holds a lock of which only one holder may live in the whole fleet."""

from __future__ import annotations

from collections.abc import Iterable

from console.fleet.model import Node
from console.fleet.workers.reported import is_reachable
from console.fleet.workers.view import LIVE


def holder(lock: str, nodes: Iterable[Node], besides: str = "") -> tuple[str, str] | None:
    """(node, "NAME (run …, running)") of the live run that holds the fleet's lock, as last known.

    None where none does. `besides`: the id of a run that does not count.
    """
    for node in nodes:
        for record in node.workers.workers if node.workers else ():
            held = record.singleton == lock and record.singleton_scope == "fleet"
            if held and record.state in LIVE and record.run_id != besides:
                return node.name, f"{record.name} (run {record.run_id[:12]}, {record.state})"
    return None


def unasked(nodes: Iterable[Node]) -> tuple[tuple[str, str], ...]:
    """(node, why) of those that cannot tell now what they hold. Two entries of one machine count once."""
    nodes = tuple(nodes)
    told = {node.hello.node_key for node in nodes if node.hello and can_tell(node)}
    return tuple(
        (node.name, _why(node))
        for node in nodes
        if not can_tell(node) and not (node.hello and node.hello.node_key in told)
    )


def can_tell(node: Node) -> bool:
    """What it reports is of now. A link that was just cut is no link, though its silence is still short."""
    return is_reachable(node) and node.lost is None


def _why(node: Node) -> str:
    lost = node.lost.problem.text if node.lost else ""
    return node.reason or lost or "it has not told yet what runs there"
