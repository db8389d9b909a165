"""What a node without runs says of its workers, without the code that looks after some."""

import os
import time
from typing import NamedTuple, Optional, Tuple

from workers.protocol import WorkerReport, encode_message
from workers.supervisor.paths import RUNS

LONGEST_S = 5.0  # between two reports
TOKEN_SCAN_S = 30.0


class Report(NamedTuple):
    """As of ``reporting``."""

    frame: Optional[bytes]
    unattended: bool = False
    seen: bool = True


class Nobody:
    """Stands for the ``WorkerRoom`` until there is a run, or a worker whose run directory is gone."""

    def __init__(self, node_folder: str) -> None:
        self._node_folder = node_folder
        self._sent_at: Optional[float] = None
        self._scanned_at: Optional[float] = None

    def report(self, limit: int, force: bool) -> Report:
        """Nothing, each few seconds."""
        now = time.monotonic()
        if not force and self._sent_at is not None and now - self._sent_at < LONGEST_S:
            return Report(None)
        self._sent_at = now
        return Report(encode_message(WorkerReport(time.time())))

    def reconcile(self, kept_runs: int, kept_log_bytes: int) -> Tuple[Tuple[str, ...], bool]:
        """There is nothing to see to."""
        return (), False

    def is_true(self) -> bool:
        """False as soon as there is somebody. Looks at all processes twice a minute."""
        if os.path.isdir(os.path.join(self._node_folder, RUNS)):
            return False
        now = time.monotonic()
        if self._scanned_at is not None and now - self._scanned_at < TOKEN_SCAN_S:
            return True
        from workers import contract
        from workers.machine import tokens

        mine = os.path.basename(self._node_folder) + ":"
        found = tokens.carriers(contract.TOKEN).values()
        if any(token.startswith(mine) for token in found):
            return False
        self._scanned_at = now
        return True
