"""One tail: a thread that reads, waits for credit and hands over frames. It never touches the channel."""

import time
from typing import Any, Callable, Optional, Protocol, Union

from workers.agent.logs.credit import Closed, Credit, Gate
from workers.protocol import (
    DATA,
    LogChunk,
    OpenTail,
    ProtocolError,
    TailEnded,
    TailNote,
    encode_frame,
    encode_message,
)
from workers.protocol.log_messages import CHUNK

QUICK_S, RESTING_S = 0.03, 0.15  # between two looks at a log that does not grow
BEHIND_EVERY_S = 5.0
WORTH_SAYING_BYTES = 256 * 1024
_LONG_S = 1.0  # a reader or a line that lets us wait so long is slow

Item = Union[LogChunk, TailNote]


class Source(Protocol):
    """Where the bytes come from. ``over``: nothing will follow and all was read."""

    @property
    def over(self) -> bool: ...

    @property
    def behind_bytes(self) -> int: ...

    def read(self, limit: int) -> Optional[Item]: ...

    def close(self) -> None: ...


class Tail:
    """``open_source`` is called in the thread; ``post`` takes each frame, in order, from any thread.

    ``over`` is called before the last frame: who has it may open another tail at once.
    """

    def __init__(
        self,
        stream: int,
        want: OpenTail,
        open_source: Callable[[OpenTail], Any],
        gate: Gate,
        post: Callable[[bytes], None],
        over: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._want = want
        self._open_source = open_source
        self._gate = gate
        self._post = post
        self._over = over
        self._waited_s = 0.0
        self._said_behind_at = time.monotonic()
        self.credit = Credit(gate, want.window_bytes)

    def run(self) -> None:
        """Until it is closed or over. Never raises; the last thing it posts is ``TailEnded``."""
        source: Optional[Source] = None
        try:
            source = self._open_source(self._want)
            ended = self._carry(source)
        except Closed:
            ended = TailEnded("closed")
        except OSError as error:
            place = error.filename or self._want.path or self._want.run_id
            ended = TailEnded("failed", f"{place}: {error.strerror or error}")
        except Exception as error:  # whatever it is, it is this tail's alone
            ended = TailEnded("failed", f"{type(error).__name__}: {error}")
        finally:
            if source is not None:
                source.close()
        self._over()
        self._hand_over(0, _message(ended, self._stream))

    def _carry(self, source: Source) -> TailEnded:
        pause_s = QUICK_S
        while True:
            limit = self._wait() - CHUNK.size
            item = source.read(limit)
            if item is not None:
                pause_s = QUICK_S
                self._send(item)
                self._say_behind(source)
            elif source.over:
                return TailEnded("over")
            elif not self._want.follow:
                return TailEnded("end")
            else:
                self.credit.pause(pause_s)
                pause_s = min(RESTING_S, pause_s * 1.5)

    def _wait(self) -> int:
        started = time.monotonic()
        limit = self.credit.wait()
        self._waited_s += time.monotonic() - started
        return limit

    def _send(self, item: Item) -> None:
        if isinstance(item, LogChunk):
            payload = item.encode()
            self._hand_over(len(payload), encode_frame(DATA, self._stream, payload))
        else:
            self._hand_over(0, _message(item, self._stream))

    def _hand_over(self, count: int, frame: bytes) -> None:
        with self._gate.changed:
            self.credit.spend(count, len(frame))
            self._post(frame)

    def _say_behind(self, source: Source) -> None:
        """How much waits here, where it is much and goes out slowly."""
        now = time.monotonic()
        if self._waited_s < _LONG_S or now - self._said_behind_at < BEHIND_EVERY_S:
            return
        self._waited_s, self._said_behind_at = 0.0, now
        behind = source.behind_bytes
        if behind > WORTH_SAYING_BYTES:
            text = f"{behind >> 10} KiB wait on the node: the line or the reader is slow"
            self._send(TailNote("behind", text, bytes=behind))


def _message(message: Any, stream: int) -> bytes:
    try:
        return encode_message(message, stream)
    except ProtocolError as error:
        return encode_message(TailEnded("failed", str(error)[:200]), stream)
