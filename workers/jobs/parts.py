"""How far each node is: the parts of a job's status."""

import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from workers.harness import Worker

WAITING, RUNNING, DONE, PARTIAL, FAILED, SKIPPED = (
    "waiting", "running", "done", "partial", "failed", "skipped",
)  # fmt: skip
ENDED: Final = (DONE, PARTIAL, FAILED, SKIPPED)


class Part:
    """One node's progress. ``say`` may be called by any thread, as often as it likes."""

    def __init__(self, parts: "Parts", name: str, unit: str) -> None:
        self._parts = parts
        self.name = name
        self.known: dict[str, Any] = {
            "name": name, "state": WAITING, "done": None, "total": None, "unit": unit,
            "bytes": None, "bytes_total": None, "rate_bytes_s": None, "eta_s": None, "message": "",
        }  # fmt: skip

    @property
    def state(self) -> str:
        return str(self.known["state"])

    @property
    def message(self) -> str:
        return str(self.known["message"])

    def say(self, **fields: Any) -> None:
        """``state, done, total, unit, bytes, bytes_total, rate_bytes_s, eta_s, message``."""
        unknown = fields.keys() - self.known.keys()
        if unknown:
            raise TypeError(f"a part has no {min(unknown)}")
        self._parts.change(self, fields)


class Parts:
    """All nodes of a job, in the document's order; their sum is the job's own progress."""

    def __init__(self, worker: Worker, names: Sequence[str], unit: str) -> None:
        self._worker = worker
        self._lock = threading.Lock()
        self._named = {name: Part(self, name, unit) for name in names}
        self._said_at = 0.0
        self._say()

    def __getitem__(self, name: str) -> Part:
        return self._named[name]

    def __iter__(self) -> Any:
        return iter(self._named.values())

    def in_state(self, *states: str) -> list[Part]:
        return [part for part in self._named.values() if part.state in states]

    def text(self) -> str:
        """What came of each, one line for people."""
        return "; ".join(f"{part.name}: {part.message}" for part in self if part.message)

    def change(self, part: Part, fields: dict[str, Any]) -> None:
        """What changed goes into the status; changes of numbers alone ten times a second at most."""
        with self._lock:
            loud = "state" in fields or "message" in fields
            part.known.update(fields)
            if part.state in ENDED:
                part.known.update(rate_bytes_s=None, eta_s=None)
            if loud or time.monotonic() - self._said_at > 0.1:
                self._say()

    def _say(self) -> None:
        self._said_at = time.monotonic()
        parts = [dict(part.known) for part in self._named.values()]
        self._worker.say(parts=parts, done=_sum(parts, "done"), total=_total(parts))


def _sum(parts: list[dict[str, Any]], key: str) -> float | None:
    found = [part[key] for part in parts if part[key] is not None]
    return sum(found) if found else None


def _total(parts: list[dict[str, Any]]) -> float | None:
    """None as long as a node that is still to come has not said how much it has."""
    open_ones = any(part["total"] is None and part["state"] not in ENDED for part in parts)
    return None if open_ones else _sum(parts, "total")
