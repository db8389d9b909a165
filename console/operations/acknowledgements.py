"""Which alerts a person has seen, kept so that every console and the command line know it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console.fleet.store import FleetStore

SCHEMA = 1
LOOK_EVERY_S = 2.0
FORGET_AFTER_S = 24 * 3600.0  # of an alert that no console shows: when it comes back it is news
_REFRESH_AFTER_S = 3600.0
_MOST = 1000
_MAX_BYTES = 1 << 20


class Acknowledgements:
    """The file at `path`, 0600. What cannot be read counts as nothing: an alert too many is no harm."""

    def __init__(self, path: Path, wall: Callable[[], float] = time.time) -> None:
        self.path = path
        self._wall = wall

    def read(self) -> dict[str, float]:
        """The ids in the file, and when they were last known to be meant."""
        try:
            with open(self.path, "rb") as stream:
                value: Any = json.loads(stream.read(_MAX_BYTES))
            known = {str(key): float(clock) for key, clock in value["acknowledged"].items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}
        now = self._wall()
        return {key: clock for key, clock in known.items() if abs(now - clock) < FORGET_AFTER_S}

    def add(self, ids: Iterable[str]) -> None:
        """Adds some. Raises OSError."""
        self.write(self.read() | dict.fromkeys(ids, self._wall()))

    def write(self, known: dict[str, float]) -> None:
        """Replaces the file whole. Raises OSError."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        newest = sorted(known.items(), key=lambda item: -item[1])[:_MOST]
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=".acknowledged-")
        try:
            with open(descriptor, "w", encoding="utf-8") as stream:
                json.dump({"schema": SCHEMA, "acknowledged": dict(newest)}, stream)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(name, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    async def keep(self, store: FleetStore) -> None:
        """Brings file and store together until it is cancelled; what ended here leaves the file."""
        before: frozenset[str] = frozenset()
        while True:
            before = self.exchange(store, before)
            await asyncio.sleep(LOOK_EVERY_S)

    def exchange(self, store: FleetStore, before: frozenset[str]) -> frozenset[str]:
        """One turn: `before` is what the store knew at the last; gives what it knows now."""
        in_file = self.read()
        store.restore_acknowledged(in_file.keys() - before)
        here = store.acknowledged
        shown = {alert.id for alert in store.alerts if alert.acknowledged}
        now = self._wall()
        wanted = {key: clock for key, clock in in_file.items() if key not in before - here}
        for key in shown:
            if now - wanted.get(key, 0.0) > _REFRESH_AFTER_S:
                wanted[key] = now
        if wanted != in_file:
            with contextlib.suppress(OSError):
                self.write(wanted)
        return here
