"""What a running request tells of itself: its pieces, how far it is, and that it is still there."""

import json
import os
import threading
import time
from typing import Any, List, Optional

BEAT_S = 2.0
PART_ROWS = 500


class Voice:
    """Lines of JSON to the job; from any thread. A job that is gone ends the program."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._lock = threading.Lock()

    def say(self, said: Any) -> None:
        """Ends the process where nobody reads any more: locks and snapshots go with it."""
        view = memoryview(json.dumps(said, separators=(",", ":")).encode("ascii") + b"\n")
        with self._lock:
            while view:
                view = view[os.write(self._file, view) :]


class Work:
    """One request. ``tick`` is called between any two steps that may take long."""

    def __init__(self, voice: Voice, number: int) -> None:
        self._voice = voice
        self._number = number
        self._rows: List[Any] = []
        self._ticked_at = time.monotonic()
        self._over = threading.Event()
        self._beating: Optional[threading.Thread] = None
        self.done_bytes = 0
        self.total_bytes = 0
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def tick(self, more_bytes: int = 0) -> None:
        self.done_bytes += more_bytes
        self._ticked_at = time.monotonic()

    def part(self, row: Any) -> None:
        """One row of a long answer; they go out many at a time."""
        self.tick()
        self._rows.append(row)
        if len(self._rows) >= PART_ROWS:
            self.flush()

    def flush(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            self._voice.say({"id": self._number, "part": rows})

    def end(self) -> None:
        self._over.set()
        if self._beating is not None:
            self._beating.join()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            stuck_s = round(time.monotonic() - self._ticked_at, 1)
            beat = [self.done_bytes, self.total_bytes, stuck_s]
            try:
                self._voice.say({"id": self._number, "beat": beat})
            except OSError:
                return  # the main thread finds it too
