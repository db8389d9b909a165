"""The order of nodes: as they were added, until a person asks for another. Unknown figures come last."""

from __future__ import annotations

from collections.abc import Iterable

from console.fleet.alerts import Alert
from console.fleet.measures import MEASURES
from console.fleet.model import Node

_STATE_ORDER = ("attention", "down", "stale", "connecting", "detached", "up")
COLUMNS = ("name", "state", "alerts", *MEASURES)


def sort_nodes(
    nodes: Iterable[Node],
    column: str | None = None,
    reverse: bool = False,
    alerts: Iterable[Alert] = (),
) -> list[Node]:
    """`nodes` by a column of COLUMNS, equal ones as they were; None keeps the order. Raises KeyError."""
    kept = list(nodes)
    if column is None:
        return kept[::-1] if reverse else kept
    if column == "name":
        return sorted(kept, key=lambda node: _natural(node.name), reverse=reverse)
    if column == "state":
        return sorted(kept, key=lambda node: _STATE_ORDER.index(node.state), reverse=reverse)
    if column == "alerts":
        badges: dict[str, int] = {}
        for alert in alerts:
            badges[alert.node] = badges.get(alert.node, 0) + 1
        return sorted(kept, key=lambda node: badges.get(node.name, 0), reverse=reverse)
    measure = MEASURES[column]
    figures = [(max(measure(node), default=None), node) for node in kept]
    known = [(figure, node) for figure, node in figures if figure is not None]
    known.sort(key=lambda pair: pair[0], reverse=reverse)
    return [node for _, node in known] + [node for figure, node in figures if figure is None]


def _natural(name: str) -> list[tuple[int, int, str]]:
    """gpu-2 before gpu-10."""
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for letter in [*name.casefold(), ""]:
        if letter.isascii() and letter.isdigit():
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        parts.append((1, 0, letter))
    return parts
