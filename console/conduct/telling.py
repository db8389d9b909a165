"""What a conducted job says of itself: its status, part by part."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from typing import Any

from console.text import sanitise
from workers.contract import Reporter

WAITING, RUNNING, DONE, PARTIAL, FAILED, SKIPPED = (
    "waiting", "running", "done", "partial", "failed", "skipped",
)  # fmt: skip
_ENDED = frozenset({DONE, PARTIAL, FAILED, SKIPPED})
_EVERY_S = 2.0


class Telling:
    """Written every other second, and at the end; the work goes on where that fails."""

    def __init__(self, unit: str, reporter: Reporter | None = None) -> None:
        self._reporter = reporter or Reporter()
        self._known: dict[str, Any] = {"phase": "", "unit": unit, "message": ""}
        self._extra: dict[str, Any] = {}
        self._parts: dict[str, dict[str, Any]] = {}

    @property
    def draining(self) -> bool:
        return self._reporter.draining

    def begin(self, names: Iterable[str], unit: str = "") -> None:
        """The parts of the work, in their order; those that there are no more go."""
        self._parts = {
            name: self._parts.get(name) or {"name": name, "state": WAITING, "unit": unit}
            for name in names
        }

    def part(self, name: str, **fields: Any) -> None:
        """``state, done, total, bytes, message``."""
        self._parts[name].update(fields)

    def say(self, extra: dict[str, Any] | None = None, **fields: Any) -> None:
        """``phase, message, health, blocked_because``; what is left out stays as it was."""
        self._known.update(fields)
        self._extra.update(extra or {})

    def names(self, *states: str) -> list[str]:
        """The parts that are in one of these states."""
        return [name for name, part in self._parts.items() if part["state"] in states]

    def log(self, text: str) -> None:
        """A line for people; more than one where the text has more."""
        print(sanitise(text), flush=True)

    async def keep(self) -> None:
        """Until it is cancelled."""
        while True:
            self.write()
            await asyncio.sleep(_EVERY_S)

    def write(self) -> None:
        parts = list(self._parts.values())
        ended = sum(part["state"] in _ENDED for part in parts)
        try:
            self._reporter.status(
                **self._known, done=float(ended), total=float(len(parts)),
                extra={**self._extra, "parts": parts},
            )  # fmt: skip
        except (OSError, ValueError, TypeError) as error:
            print(f"the status cannot be written: {error}", file=sys.stderr, flush=True)
