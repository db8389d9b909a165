"""The node of a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent_workers.node import Asker, Node


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node of its own; nothing that was started there outlives the test."""
    made = Node(tmp_path)
    try:
        yield made
    finally:
        made.clean()


@pytest.fixture
def console(node: Node) -> Iterator[Asker]:
    """A console with an agent on the node."""
    with node.agent() as asker:
        yield asker
