"""Asks before a job is cancelled: what is sent, and what stays of what it did."""

from __future__ import annotations

from console.fleet.jobs import JobRow
from console.formatting import size
from console.ui.modals.confirm import ConfirmModal

_STAYS = {
    "sync": "What has arrived and was checked stays; the next run goes on from there.",
    "aggregate": "The last finished generation stays; the next run goes on from there.",
    "backup": "What is in the store stays; the next run goes on from there.",
    "prune": "What was freed is gone; nothing else is touched.",
    "update_code": "Nodes that are done keep the new code; the rest stays as it was.",
}
_ELSE = "What it has done so far stays."


class CancelJobModal(ConfirmModal):
    """True when the person is sure."""

    def __init__(self, row: JobRow) -> None:
        assert row.view is not None
        record = row.view.record
        super().__init__(
            f"Cancel {row.name} on {row.node}",
            "cancels it",
            [
                f"run {record.run_id[:12]}, {row.state}{_so_far(row)}",
                f"SIGTERM to its process group, SIGKILL to what is left after {record.grace_s:.0f} s.",
                _STAYS.get(row.kind, _ELSE),
            ],
            [row.node],
        )


def _so_far(row: JobRow) -> str:
    here = row.amount
    parts = [f"{here.nodes_done} of {here.nodes} nodes done"] if here.nodes else []
    if here.bytes is not None:
        parts.append(size(here.bytes))
    return f": {', '.join(parts)}" if parts else ""
