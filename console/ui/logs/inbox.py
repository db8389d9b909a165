"""What the tails have brought and nobody has read yet. Bounded: a full one makes the tails wait."""

from __future__ import annotations

import asyncio
from collections import deque

from console.ui.logs.feed import TailItem
from workers.protocol import LogChunk

FULL_BYTES = 8 * 1024 * 1024
PIECE_BYTES = 64 * 1024  # read at once


class Inbox:
    """In the order of arrival, with the place of the source each item is from."""

    def __init__(self, full_bytes: int = FULL_BYTES) -> None:
        self.bytes = 0
        self.lines = 0
        self._full_bytes = full_bytes
        self._items: deque[tuple[int, TailItem]] = deque()
        self._room = asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, source: int, item: TailItem) -> None:
        """Waits while there is no room, so that the node sends no more than can be read."""
        await self._room.wait()
        for piece in _pieces(item):
            self._items.append((source, piece))
            self._count(piece, 1)
        if self.bytes >= self._full_bytes:
            self._room.clear()

    def get(self) -> tuple[int, TailItem]:
        """The oldest item. Raises IndexError where there is none."""
        source, item = self._items.popleft()
        self._count(item, -1)
        if self.bytes < self._full_bytes // 2:
            self._room.set()
        return source, item

    def clear(self) -> None:
        self._items.clear()
        self.bytes = self.lines = 0
        self._room.set()

    def _count(self, item: TailItem, sign: int) -> None:
        if isinstance(item, LogChunk):
            self.bytes += sign * len(item.data)
            self.lines += sign * item.data.count(b"\n")


def _pieces(item: TailItem) -> list[TailItem]:
    if not isinstance(item, LogChunk) or len(item.data) <= PIECE_BYTES:
        return [item]
    return [
        item._replace(offset=item.offset + start, data=item.data[start : start + PIECE_BYTES])
        for start in range(0, len(item.data), PIECE_BYTES)
    ]
