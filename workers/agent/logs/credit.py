"""What a tail may still send: its own credit, and its share of what may be under way on the channel."""

import threading
import time
from collections import deque
from typing import Deque, Tuple

from workers.agent.logs.flow import Flow

MOST_PIECE_BYTES = 256 * 1024
LEAST_PIECE_BYTES = 2048  # a remainder of the credit is not worth a frame
LEAST_WINDOW_BYTES = 4096
_LOOK_AGAIN_S = 0.5


class Closed(Exception):
    """Nobody wants this tail any more."""


class Gate:
    """Shared by all tails of a channel. Threads wait here; the loop tells what has arrived."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._flow = Flow()

    def beat(self, sequence: int, left_bytes: int) -> None:
        """A heartbeat leaves after ``left_bytes`` of log in all."""
        with self.changed:
            self._flow.beat(sequence, left_bytes)

    def echoed(self, sequence: int) -> None:
        """The console has this heartbeat."""
        with self.changed:
            self._flow.echoed(sequence, time.monotonic())
            self.changed.notify_all()

    @property
    def flow(self) -> Flow:
        """Only with ``changed`` held."""
        return self._flow


class Credit:
    """One tail's. ``window_bytes`` may be sent before the first ``grant``."""

    def __init__(self, gate: Gate, window_bytes: int) -> None:
        self._gate = gate
        self._left = max(LEAST_WINDOW_BYTES, window_bytes)
        self._sent: Deque[Tuple[int, int]] = deque()  # bytes that no grant answers yet, their place
        self._answered = 0
        self._closed = threading.Event()

    def wait(self) -> int:
        """Blocks until something may be sent; how large its payload may be. Raises Closed."""
        flow = self._gate.flow
        with self._gate.changed:
            while not self._closed.is_set():
                if self._left >= LEAST_PIECE_BYTES and flow.room_bytes > 0:
                    return min(self._left, flow.piece_bytes, MOST_PIECE_BYTES)
                self._gate.changed.wait(_LOOK_AGAIN_S)
        raise Closed

    def spend(self, count: int, frame_bytes: int) -> None:
        """A payload of ``count`` bytes leaves in a frame; called with the gate's ``changed`` held, in the order in
        which the frames leave."""
        self._left -= count
        place = self._gate.flow.sent(frame_bytes, time.monotonic())
        self._sent.append((count, place))

    def grant(self, count: int) -> None:
        """The console took so many bytes: they have arrived."""
        with self._gate.changed:
            self._left = min(1 << 40, self._left + max(0, count))
            self._answered += max(0, count)
            place = 0
            while self._sent and self._sent[0][0] <= self._answered:
                taken, place = self._sent.popleft()
                self._answered -= taken
            self._gate.flow.arrived(place, time.monotonic())
            self._gate.changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Raises Closed."""
        if self._closed.wait(seconds):
            raise Closed

    def close(self) -> None:
        self._closed.set()
        with self._gate.changed:
            self._gate.changed.notify_all()
