"""What the store tells its listeners."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeChanged:
    """`what`: added, link, sample, heartbeat, datasets, workers, notice, ledger or removed."""

    node: str
    what: str


@dataclass(frozen=True)
class AlertsChanged:
    """Alerts came, went, or say something else."""


Change = NodeChanged | AlertsChanged
