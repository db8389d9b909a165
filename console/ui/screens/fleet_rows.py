"""Which nodes stand where: filtered, in groups by tag, or sorted when a person asked for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from console.fleet.alerts import Alert
from console.fleet.filter import Filter
from console.fleet.model import Node
from console.fleet.sorting import sort_nodes

UNTAGGED = "no tag"


class Group(NamedTuple):
    """`title` is "" where there are no groups."""

    title: str
    names: tuple[str, ...]


class Order(NamedTuple):
    """What a person asked for. `column` None is the order of the settings."""

    column: str | None = None
    descending: bool = False


def matching(nodes: Iterable[Node], wanted: Filter, alerts: Sequence[Alert]) -> list[Node]:
    """The nodes a filter takes."""
    if not wanted.tests:
        return list(nodes)
    own: dict[str, list[Alert]] = {}
    for alert in alerts:
        own.setdefault(alert.node, []).append(alert)
    return [node for node in nodes if wanted.matches(node, own.get(node.name, ()))]


def arranged(
    nodes: Sequence[Node], order: Order, alerts: Sequence[Alert], by_tag: bool
) -> tuple[Group, ...]:
    """One group in the order asked for, or a group for each first tag in the order they first appear."""
    if order.column is not None:
        ordered = sort_nodes(nodes, order.column, order.descending, alerts)
        return (Group("", tuple(node.name for node in ordered)),)
    if not by_tag:
        return (Group("", tuple(node.name for node in nodes)),)
    groups: dict[str, list[str]] = {}
    for node in nodes:
        groups.setdefault(node.spec.tags[0] if node.spec.tags else UNTAGGED, []).append(node.name)
    if len(groups) < 2:
        return (Group("", tuple(node.name for node in nodes)),)
    return tuple(Group(title, tuple(names)) for title, names in groups.items())
