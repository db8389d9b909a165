"""All tails of one channel: opened, credited, closed by stream number."""

import threading
from typing import Any, Callable, Dict, Optional

from workers.agent.logs.credit import Gate
from workers.agent.logs.tail import Tail
from workers.protocol import CloseTail, Failure, OpenTail, TailCredit

MAX_TAILS = 32

Reply = Callable[[int, Any], None]


class Tails:
    """``post`` takes each frame of log, from any thread; ``reply`` answers in the loop what cannot be opened.

    ``node_folder`` None: no run is kept here. All methods are the loop's.
    """

    def __init__(
        self, node_folder: Optional[str], post: Callable[[bytes], None], reply: Reply
    ) -> None:
        self._node_folder = node_folder
        self._post = post
        self._reply = reply
        self._gate = Gate()
        self._tails: Dict[int, Tail] = {}
        self.root = ""
        """Where relative paths start; "" is the home directory."""

    def take(self, stream: int, message: Any) -> None:
        """One of ``OpenTail``, ``TailCredit``, ``CloseTail``; for a tail that has ended they mean nothing."""
        if isinstance(message, OpenTail):
            self._open(stream, message)
            return
        tail = self._tails.get(stream)
        if tail is None:
            return
        if isinstance(message, TailCredit):
            tail.credit.grant(message.bytes)
        elif isinstance(message, CloseTail):
            tail.credit.close()

    def beat(self, sequence: int, left_bytes: int) -> None:
        """A heartbeat leaves after ``left_bytes`` of log in all."""
        self._gate.beat(sequence, left_bytes)

    def echoed(self, sequence: int) -> None:
        """The console has this heartbeat."""
        self._gate.echoed(sequence)

    def _open(self, stream: int, want: OpenTail) -> None:
        if stream in self._tails or not stream:
            self._reply(stream, Failure("bad_request", "this stream is in use"))
            return
        if len(self._tails) >= MAX_TAILS:
            text = f"{MAX_TAILS} logs are followed here already; close one"
            self._reply(stream, Failure("busy", text))
            return
        root = self.root
        tail = Tail(
            stream,
            want,
            lambda ask: self._source(ask, root),
            self._gate,
            self._post,
            lambda: self._forget(stream),
        )
        self._tails[stream] = tail
        thread = threading.Thread(target=tail.run, name=f"tail {stream}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the limit of threads is reached
            self._forget(stream)
            self._reply(stream, Failure("failed", "no more threads can be started here"))

    def _forget(self, stream: int) -> None:
        self._tails.pop(stream, None)

    def _source(self, want: OpenTail, root: str) -> Any:
        """Raises OSError. Its code is imported in the tail's thread."""
        from workers.agent.logs.sources import open_source

        return open_source(want, self._node_folder, root)
