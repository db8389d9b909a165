"""Forgets runs that are over: asks first, for what is removed does not come back."""

from __future__ import annotations

from collections.abc import Sequence

from console.fleet.workers import WorkerView
from console.fleet.workers.words import actual
from console.formatting import size
from console.ui.modals.confirm import ConfirmModal

_ONE = "Its folder with all its logs is removed there. What lives is never touched."
_MANY = "Their folders with all their logs are removed there. What lives is never touched."


class ForgetModal(ConfirmModal):
    """True when the person is sure; of more than one, after their number was typed."""

    def __init__(self, views: Sequence[WorkerView]) -> None:
        count = len(views)
        super().__init__(
            f"Forget {count} runs" if count > 1 else f"Forget {views[0].name}",
            "forgets",
            [_shown(view) for view in views],
            list(dict.fromkeys(view.node for view in views)),
            warning=_MANY if count > 1 else _ONE,
            typed=str(count) if count > 1 else None,
        )


def _shown(view: WorkerView) -> str:
    record = view.record
    log = "" if record.log_bytes is None else f", {size(record.log_bytes)} of log"
    return f"{view.name}@{view.node}  run {record.run_id[:12]}, {actual(record)}{log}"
