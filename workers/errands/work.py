"""What a running request tells of itself: its pieces, how far it is, and that it is still there."""

import json
import os
import threading
import time
from typing import Any, List

BEAT_S = 2.0
PART_ROWS = 500


class JobGone(BaseException):
    """Nobody reads any more. No fault of one file, so it is none that a loop over files catches."""


class Voice:
    """Lines of JSON to the job; from any thread."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._lock = threading.Lock()

    def say(self, said: Any) -> None:
        """Raises JobGone."""
        view = memoryview(json.dumps(said, separators=(",", ":")).encode("ascii") + b"\n")
        with self._lock:
            while view:
                try:
                    view = view[os.write(self._file, view) :]
                except OSError:
                    raise JobGone from None


class Work:
    """One request. ``tick`` is called between any two steps that may take long.

    It raises JobGone where nobody would know any more of what is done from then on, and where the program was
    told to leave: never between two acts that belong together.
    """

    at_work = False
    leaving = False

    def __init__(self, voice: Voice, number: int) -> None:
        self._voice = voice
        self._number = number
        self._rows: List[Any] = []
        self._ticked_at = time.monotonic()
        self._over = threading.Event()
        self._gone = False
        self.done_bytes = 0
        self.total_bytes = 0
        Work.at_work = True
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def tick(self, more_bytes: int = 0) -> None:
        if self._gone or Work.leaving:
            raise JobGone
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
        self._beating.join()
        Work.at_work = False

    def _beat(self) -> None:
        while not self._over.wait(BEAT_S):
            stuck_s = round(time.monotonic() - self._ticked_at, 1)
            beat = [self.done_bytes, self.total_bytes, stuck_s]
            try:
                self._voice.say({"id": self._number, "beat": beat})
            except JobGone:
                self._gone = True
                return
