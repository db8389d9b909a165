"""What a command of ours says of itself, and what it is told: stop, drain, checkpoint."""

import math
import os
import threading
import time
from typing import Any, Final

from workers.contract import RUN_ID, WORKER, Reporter

SAY_EVERY_S = 1.0
SAY_AT_LEAST_S = 2.0
_LOOK_EVERY_S = 1.0
_PAUSE_S = 0.1


class _Unset:
    pass


UNSET: Final = _Unset()
"""Leave it as it was: None is a value."""


class Worker:
    """Its loop calls ``say`` as often as it likes; a thread of ours writes the status.

    ``stop`` and ``ask_for_checkpoint`` may be called by a signal handler.
    """

    def __init__(self, unit: str, grace_s: float = 10.0, reporter: Reporter | None = None) -> None:
        self._reporter = reporter or Reporter()
        self._grace_s = grace_s
        self._known: dict[str, Any] = {"phase": "", "unit": unit}
        self._extra: dict[str, Any] = {}
        self._changed = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._stopped_at: float | None = None
        self._drained = False
        self._looked_at = -math.inf
        self._checkpoint = False
        self._fault = ""
        self._thread = threading.Thread(target=self._write_on, name="status", daemon=True)
        self.signal: int | None = None
        """Which one stopped it."""

    # ------------------------------------------------------------ what it is told

    @property
    def name(self) -> str:
        """Its name under a supervisor; "" elsewhere."""
        return os.environ.get(WORKER, "")

    @property
    def run_id(self) -> str:
        """Its run under a supervisor; "" elsewhere."""
        return os.environ.get(RUN_ID, "")

    @property
    def stopping(self) -> bool:
        """TERM or INT came: tidy up and return."""
        return self._stopped_at is not None

    @property
    def draining(self) -> bool:
        """The unit that is under way should be the last. Looked up once a second at most."""
        now = time.monotonic()
        if not self._drained and now - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = now
            self._drained = self._reporter.draining
        return self._drained

    @property
    def ending(self) -> bool:
        """It stops or drains."""
        return self.stopping or self.draining

    @property
    def grace_left_s(self) -> float:
        """Until it will be killed; infinite before a stop."""
        if self._stopped_at is None:
            return math.inf
        return max(0.0, self._grace_s - (time.monotonic() - self._stopped_at))

    def stop(self, number: int) -> None:
        """As a signal does. The first counts."""
        if self._stopped_at is None:
            self._stopped_at, self.signal = time.monotonic(), number

    def ask_for_checkpoint(self) -> None:
        self._checkpoint = True

    def take_checkpoint_request(self) -> bool:
        """Whether one was asked for since the last call."""
        asked, self._checkpoint = self._checkpoint, False
        return asked

    def wait(self, seconds: float) -> bool:
        """Sleeps; True at once where it is stopping or draining."""
        until = time.monotonic() + seconds
        while not self.ending:
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, _PAUSE_S))
        return True

    # ------------------------------------------------------------ what it says

    def say(
        self,
        *,
        phase: str | None = None,
        done: float | _Unset | None = UNSET,
        total: float | _Unset | None = UNSET,
        rate_per_minute: float | _Unset | None = UNSET,
        message: str | None = None,
        health: str | None = None,
        blocked_because: str | _Unset | None = UNSET,
        **extra: Any,
    ) -> None:
        """What is left out stays as it was. On disk within two seconds."""
        named = {"phase": phase, "message": message, "health": health}
        valued = {
            "done": done,
            "total": total,
            "rate_per_minute": rate_per_minute,
            "blocked_because": blocked_because,
        }
        with self._lock:
            self._known.update({key: value for key, value in named.items() if value is not None})
            self._known.update({key: value for key, value in valued.items() if value is not UNSET})
            self._extra.update(extra)
        self._changed.set()

    def metric(self, name: str, value: float, step: float) -> None:
        """One point of a curve. Raises OSError where the disk refuses."""
        self._reporter.metric(name, value, step)

    def log(self, text: str) -> None:
        """One line for people."""
        print(text, flush=True)

    # ------------------------------------------------------------ the status

    def open(self) -> None:
        """Says from now on that it lives."""
        self._write()
        self._thread.start()

    def close(self) -> None:
        """The last word."""
        self._over.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(SAY_AT_LEAST_S)
        self._write()

    def _write_on(self) -> None:
        while not self._over.wait(SAY_EVERY_S):
            self._changed.wait(SAY_AT_LEAST_S - SAY_EVERY_S)
            self._changed.clear()
            self._write()

    def _write(self) -> None:
        with self._lock:
            known, extra = dict(self._known), dict(self._extra)
        try:
            self._reporter.status(**known, extra=extra)
            self._fault = ""
        except (OSError, ValueError, TypeError) as error:  # the work goes on without a status
            text = f"the status cannot be written: {error}"
            if text != self._fault:
                self._fault = text
                self.log(text)
