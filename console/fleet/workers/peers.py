"""The rates of all workers of the fleet by group, so that each can be compared with its peers."""

from __future__ import annotations

from collections.abc import Mapping

from console.fleet.model import Node
from console.fleet.workers.crew import Crew, Peers
from console.fleet.workers.health import Peer

_AGE_S = 5.0


class PeerTable:
    """Made anew when it is older than _AGE_S."""

    def __init__(self) -> None:
        self._made_at: float | None = None
        self._groups: dict[str, list[tuple[str, Peer]]] = {}

    def of(self, nodes: Mapping[str, Node], crews: Mapping[str, Crew], now: float) -> Peers:
        """Group: (run id, its rate) of each run whose rate is known. A machine of two entries counts once."""
        if self._made_at is not None and 0.0 <= now - self._made_at < _AGE_S:
            return self._groups
        self._made_at, self._groups = now, {}
        for name, node in nodes.items():
            if node.same_as is None:
                for group, run_id, peer in crews[name].rates(node):
                    self._groups.setdefault(group, []).append((run_id, peer))
        return self._groups
