"""Two entries that turn out to be one machine are one node: the later names the earlier in `same_as`.

A node says its key itself, and one that lies could pass for another and hide it. The boot id, which only
the machine itself knows, must be the same too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from console.fleet.model import Node


def mark_twins(nodes: Iterable[Node]) -> Iterator[tuple[str, str | None]]:
    """(name, same_as) of each node whose `same_as` must change; the first entry of a machine is the machine."""
    first: dict[tuple[str, str], str] = {}
    changes = []
    for node in nodes:
        same_as = None
        if node.hello is not None and node.hello.node_key:
            machine = (node.hello.node_key, node.hello.boot_id)
            owner = first.setdefault(machine, node.name)
            same_as = owner if owner != node.name else None
        if same_as != node.same_as:
            changes.append((node.name, same_as))
    return iter(changes)
