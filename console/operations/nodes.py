"""Nodes: trust, retry, add, remove, check, uninstall, a shell."""

from __future__ import annotations

from typing import Protocol

from console.fleet.model import NodeSpec
from console.operations.acts import Acts


class Fleet(Protocol):
    async def add_node(self, spec: NodeSpec) -> None: ...


class NodeOperations:
    def __init__(self, acts: Acts, fleet: Fleet) -> None:
        self._acts = acts
        self._fleet = fleet
