"""A log followed over one link after another: bounded, in order, each byte once.

A reader that pauses stops the node: what waits here never exceeds the window that was granted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from console.errors import RequestFailed, RequestLost
from workers.protocol import (
    CloseTail,
    Failure,
    LogChunk,
    LogPosition,
    OpenTail,
    ProtocolError,
    TailCredit,
    TailEnded,
    TailNote,
    decode_chunk,
)

if TYPE_CHECKING:
    from console.sessions.link import Link

LEAST_WINDOW_BYTES = 4096
CREDIT_BYTES = 32 * 1024  # granted at once, or what is left when everything was read
MOST_ITEMS = 65_536  # notes and small chunks cost more than their bytes
_MOVES = frozenset({"start", "gap", "truncated", "replaced", "attempt"})

Item: TypeAlias = "LogChunk | TailNote | TailEnded"


class Arrivals:
    """What one link has brought of a tail and nobody has read yet. An async iterator.

    It ends after ``TailEnded``; raises RequestFailed where the agent refused, RequestLost with its link.
    """

    def __init__(self, window_bytes: int, send: Callable[[Any], None]) -> None:
        self._send = send
        self._room_bytes = window_bytes
        self._owed_bytes = 0
        self._items: deque[tuple[Item, int]] = deque()
        self._news = asyncio.Event()
        self._failure: RequestFailed | RequestLost | None = None
        self._over = False

    # ------------------------------------------------------------ the link's side

    def data(self, payload: bytes) -> None:
        """Takes a chunk. Raises ProtocolError where the agent sends more than it may."""
        chunk = decode_chunk(payload)
        self._room_bytes -= len(payload)
        if self._room_bytes < 0:
            raise ProtocolError("more log than was asked for")
        self._put(chunk, len(payload))

    def message(self, message: Any) -> None:
        """Takes what is said under the tail's stream. Raises ProtocolError."""
        if isinstance(message, Failure):
            self.fail(RequestFailed(message.code, message.text))
        elif isinstance(message, (TailNote, TailEnded)):
            self._put(message, 0)
            self._over = self._over or isinstance(message, TailEnded)

    def fail(self, error: RequestFailed | RequestLost) -> None:
        """Nothing follows; what has come is still read."""
        self._failure = self._failure or error
        self._news.set()

    def _put(self, item: Item, cost: int) -> None:
        if self._over:
            return
        if len(self._items) >= MOST_ITEMS:
            raise ProtocolError("more notes than anybody reads")
        self._items.append((item, cost))
        self._news.set()

    # ------------------------------------------------------------ the reader's side

    def __aiter__(self) -> Arrivals:
        return self

    async def __anext__(self) -> Item:
        while not self._items:
            if self._failure is not None:
                raise self._failure
            if self._over:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        item, cost = self._items.popleft()
        self._owed_bytes += cost
        if self._owed_bytes >= CREDIT_BYTES or (self._owed_bytes and not self._items):
            self._grant()
        return item

    def _grant(self) -> None:
        if not self._over and self._failure is None:
            self._room_bytes += self._owed_bytes
            self._send(TailCredit(self._owed_bytes))
        self._owed_bytes = 0

    def close(self) -> None:
        """Nobody reads any more."""
        if not self._over and self._failure is None:
            self._send(CloseTail())
        self._over = True
        self._items.clear()


class Place:
    """Where a reader is: the next byte it wants of each stream. Pure.

    `sparse`: the node leaves lines out, as it was told.
    """

    def __init__(self, sparse: bool = False) -> None:
        self._sparse = sparse
        self._attempt: int | None = None
        self._offsets: dict[int, int] = {}

    @property
    def positions(self) -> tuple[LogPosition, ...]:
        if self._attempt is None:
            return ()
        return tuple(
            LogPosition(self._attempt, which, offset) for which, offset in self._offsets.items()
        )

    def note(self, note: TailNote) -> None:
        """Goes where a note says the bytes go on."""
        if note.kind in _MOVES:
            self._move(note.attempt, note.which, note.offset)

    def take(self, chunk: LogChunk) -> list[Item]:
        """The part of a chunk that was not read before, behind a note where something is missing."""
        known = self._offsets.get(chunk.which) if chunk.attempt == self._attempt else None
        end = chunk.offset + len(chunk.data)
        self._move(chunk.attempt, chunk.which, max(end, known or 0))
        if known is None or chunk.offset == known or (self._sparse and chunk.offset > known):
            return [chunk] if chunk.data else []
        if chunk.offset < known:
            rest = chunk._replace(offset=known, data=chunk.data[known - chunk.offset :])
            return [rest] if rest.data else []
        return [_missing(chunk, known), chunk] if chunk.data else []

    def _move(self, attempt: int, which: int, offset: int) -> None:
        if attempt != self._attempt:
            self._attempt = attempt
            self._offsets.clear()
        self._offsets[which] = offset


def _missing(chunk: LogChunk, known: int) -> TailNote:
    lost = chunk.offset - known
    text = f"{lost} bytes were not sent by the node"
    return TailNote("gap", text, chunk.attempt, chunk.which, chunk.offset, lost)


async def follow(
    want: OpenTail, next_link: Callable[[bool], Awaitable[Link]]
) -> AsyncGenerator[Item, None]:
    """A tail over as many links as it takes; `next_link(wait)` gives the one that stands.

    Raises RequestFailed where the agent refuses, or where there is no link and `want` follows nothing.
    """
    place = Place(sparse=bool(want.filter))
    wait = want.follow
    while True:
        link = await next_link(wait)
        resumed = want._replace(positions=place.positions) if place.positions else want
        arrivals = link.open_tail(resumed)
        try:
            if wait and place.positions:
                yield TailNote("resumed", _where(place))
            async for item in arrivals:
                if isinstance(item, LogChunk):
                    for piece in place.take(item):
                        yield piece
                    continue
                if isinstance(item, TailNote):
                    place.note(item)
                    if item.kind == "start":
                        continue
                yield item
            return
        except RequestLost as error:
            yield TailNote("waiting", f"{error}: goes on when the node is back")
            wait = True
        finally:
            arrivals.close()


def _where(place: Place) -> str:
    offsets = ", ".join(f"byte {position.offset}" for position in place.positions)
    return f"the link is back: the log goes on at {offsets}, nothing was lost"
