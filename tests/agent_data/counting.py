"""A directory of data and a counter on it, for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workers.agent.data import DatasetCounter
from workers.protocol import DatasetCount, DatasetWatch


def never() -> bool:
    return False


class Data:
    """Counts one dataset below ``root`` with one counter, as an agent does."""

    def __init__(self, root: Path, state: Path | None = None) -> None:
        self.root = root
        self.counter = DatasetCounter(str(state) if state else None)

    def count(
        self, *paths: str, method: str = "lines", stop: Callable[[], bool] = never
    ) -> DatasetCount:
        self.counter.configure(str(self.root), (DatasetWatch("games", paths, method),))
        return self.counter.count(stop).counts[0]

    def write(self, name: str, content: bytes | int = 0) -> Path:
        """A file below the root: these bytes, or this many lines."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lines(content) if isinstance(content, int) else content)
        return path


def lines(number: int, start: int = 0) -> bytes:
    return b"".join(b'{"id": %d}\n' % i for i in range(start, start + number))
