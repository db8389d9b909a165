"""What waits to be sent: a slow reader gets fewer samples, never old ones, and memory stays bounded."""

import os
from collections import deque
from typing import Any, Deque, Dict, Optional

from workers.protocol import MAX_FRAME_BYTES, encode_message

REPLIES_BYTES = 3 * MAX_FRAME_BYTES


class Outbox:
    """The unsent frames of a non-blocking channel.

    Replies keep their order. A message put with ``latest`` replaces the unsent one of the same type, and
    goes out before the replies: a heartbeat never waits behind a process table. What is put with ``bulk``
    goes out last, in order; who puts it there bounds it.
    """

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._sending = memoryview(b"")
        self._latest: Dict[str, Any] = {}
        self._replies: Deque[bytes] = deque()
        self._replies_bytes = 0
        self._bulk: Deque[bytes] = deque()
        self.latest_bytes = 0  # of `latest` messages that left, in all
        self.bulk_bytes = 0  # of bulk that left, in all

    def latest(self, message: Any) -> None:
        """Queues a message that makes an unsent one of its type worthless."""
        self._latest[type(message).__name__] = message

    def latest_frame(self, name: str, frame: bytes) -> None:
        """As ``latest``, for a message of the type ``name`` that was encoded elsewhere."""
        self._latest[name] = frame

    def reply(self, frame: bytes) -> bool:
        """Queues a frame that must arrive. False where too much waits already."""
        if self._replies_bytes + len(frame) > REPLIES_BYTES:
            return False
        self._replies.append(frame)
        self._replies_bytes += len(frame)
        return True

    def bulk(self, frame: bytes) -> None:
        """Queues a frame of log."""
        self._bulk.append(frame)

    @property
    def waiting(self) -> bool:
        return bool(self._sending or self._latest or self._replies or self._bulk)

    def pump(self) -> None:
        """Writes as much as the channel takes now. Raises OSError where it is broken."""
        while self._sending or self._next():
            try:
                sent = os.write(self._channel, self._sending[:65_536])
            except BlockingIOError:
                return
            self._sending = self._sending[sent:]

    def _next(self) -> bool:
        frame = self._take()
        if frame is None:
            return False
        self._sending = memoryview(frame)
        return True

    def _take(self) -> Optional[bytes]:
        if self._latest:
            # Heartbeats first: they alone keep the link from being called stale.
            name = "Heartbeat" if "Heartbeat" in self._latest else next(iter(self._latest))
            message = self._latest.pop(name)
            frame = message if type(message) is bytes else encode_message(message)
            self.latest_bytes += len(frame)
            return frame
        if self._replies:
            frame = self._replies.popleft()
            self._replies_bytes -= len(frame)
            return frame
        if self._bulk:
            frame = self._bulk.popleft()
            self.bulk_bytes += len(frame)
            return frame
        return None
