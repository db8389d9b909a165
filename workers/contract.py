"""The worker contract: the names a worker is told by, what it may write, and what its exit code means.

A worker needs nothing of this: any command is a valid one. A Python program may copy this file or import
it; it needs only the standard library, Python 3.9.
"""

import json
import math
import os
import signal
import time
from typing import Any, Mapping, Optional

SCHEMA = 1

# ------------------------------------------------------------ environment in

RUN_DIR = "QD_RUN_DIR"  # the run directory
RUN_ID = "QD_RUN_ID"
WORKER = "QD_WORKER"  # its name
STATUS = "QD_STATUS"  # path of status.json
METRICS = "QD_METRICS"  # path of metrics.jsonl
DRAIN = "QD_DRAIN"  # path that appears when the worker should finish its unit and stop
INPUT = "QD_INPUT"  # path of the document the worker was started with, where it was given one
TOKEN = "QD_TOKEN"  # noqa: S105  (whose process this is: node key and run id)
NAMES = (RUN_DIR, RUN_ID, WORKER, STATUS, METRICS, DRAIN, INPUT, TOKEN)

# ------------------------------------------------------------ exit codes out

EXIT_DONE = 0
EXIT_WAITING = 3  # no data or network yet: comes back with back-off, never a crash
EXIT_CONFIGURATION = 4
EXIT_CORRUPT_DATA = 5
EXIT_NO_DISK = 6
EXIT_AGAIN = 75  # run me again: no crash
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_TERMINATED = 128 + signal.SIGTERM

EXIT_WORDS = {
    EXIT_DONE: "done",
    EXIT_WAITING: "no data or network yet",
    EXIT_CONFIGURATION: "configuration",
    EXIT_CORRUPT_DATA: "corrupt data",
    EXIT_NO_DISK: "no disk",
    EXIT_AGAIN: "run me again",
    EXIT_INTERRUPTED: "stopped",
    EXIT_TERMINATED: "stopped",
}


# ------------------------------------------------------------ what a worker may write


class Reporter:
    """Writes status.json and metrics.jsonl where the environment names them; elsewhere it does nothing."""

    def __init__(self, environ: Optional[Mapping[str, str]] = None) -> None:
        found = os.environ if environ is None else environ
        self._status = found.get(STATUS)
        self._metrics = found.get(METRICS)
        self._drain = found.get(DRAIN)

    @property
    def draining(self) -> bool:
        """True once the worker should finish its unit and exit 0."""
        return self._drain is not None and os.path.exists(self._drain)

    def status(
        self,
        phase: str = "",
        done: Optional[float] = None,
        total: Optional[float] = None,
        unit: str = "",
        rate_per_minute: Optional[float] = None,
        message: str = "",
        health: str = "ok",
        blocked_because: Optional[str] = None,
        extra: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Replaces status.json atomically. Raises OSError where the disk refuses.

        ``done`` and ``total`` count ``unit``s ("epoch", "game"); ``health`` is the worker's own word, "ok" or
        what is wrong; ``blocked_because`` says what it waits for.
        """
        if self._status is None:
            return
        body = {
            "schema": SCHEMA,
            "phase": phase,
            "done": done,
            "total": total,
            "unit": unit,
            "rate_per_minute": rate_per_minute,
            "message": message,
            "health": health,
            "blocked_because": blocked_because,
            "updated_at": time.time(),
            "extra": dict(extra or {}),
        }
        import threading  # a supervisor knows the names above and does without it

        temporary = f"{self._status}.{os.getpid()}-{threading.get_ident()}.tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(body, file)
        os.replace(temporary, self._status)

    def metric(self, name: str, value: float, step: float) -> None:
        """Appends one line to metrics.jsonl; what is no number (NaN) as null.

        Raises OSError where the disk refuses.
        """
        if self._metrics is None:
            return
        number = float(value)  # a framework's own scalar, too
        found = number if math.isfinite(number) else None
        line = json.dumps({"t": time.time(), "step": step, "name": name, "value": found})
        with open(self._metrics, "a", encoding="utf-8") as file:
            file.write(line + "\n")
