"""The log child: one search, one look for faults, or a filter as long as its tail is open.

Standard input brings the ask as a frame, then, for a filter, blocks of whole lines; standard output takes
the answers. It ends with its input, and in any case when its time is over.
"""

import os
import resource
import signal
import struct
import time
from typing import Any, List, NoReturn, Tuple

from workers.agent.logs.matcher import BadPattern, Matcher
from workers.agent.logs.overdue import Overdue, within
from workers.protocol import (
    CONSOLE_MESSAGES,
    DATA,
    Failure,
    FindErrors,
    Frame,
    FrameDecoder,
    OpenTail,
    SearchLog,
    decode_message,
    encode_frame,
    encode_message,
)

MOST_BUDGET_S = 60.0
FILTER_S = 3.0  # for one block
MEMORY_BYTES = 1024 * 1024 * 1024
SPAN = struct.Struct(">II")
_NICE = 5


def main(node_folder: str, root: str) -> NoReturn:
    """Answers what its input asks, then ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        _serve(node_folder or None, root)
    except BrokenPipeError:
        pass
    os._exit(0)


def _serve(node_folder: Any, root: str) -> None:
    frames = _Frames()
    ask = decode_message(frames.next().payload, CONSOLE_MESSAGES)
    try:
        if isinstance(ask, OpenTail):
            _filter(ask.filter, frames)
        else:
            _say(_answer(ask, node_folder, root))
    except EOFError:
        return
    except BadPattern as error:
        _say(Failure("bad_request", str(error)))
    except FileNotFoundError as error:
        _say(Failure("gone", f"{error.filename}: {error.strerror}"))
    except Overdue:
        _say(Failure("failed", "the expression takes too long on one line of this log"))
    except (OSError, MemoryError) as error:
        _say(Failure("failed", f"{type(error).__name__}: {error}"))


def _answer(ask: Any, node_folder: Any, root: str) -> Any:
    from workers.agent.logs.stretches import stretches_of

    budget_s = min(MOST_BUDGET_S, max(0.1, ask.budget_s))
    until = time.monotonic() + budget_s
    with within(budget_s + 0.5):
        if isinstance(ask, FindErrors):
            from workers.agent.logs.fault_groups import FaultGroups

            found = stretches_of(ask.run_id, "", "both", node_folder, root)
            return FaultGroups().run(found, until)
        assert isinstance(ask, SearchLog)
        from workers.agent.logs.search import Search

        found = stretches_of(ask.run_id, ask.path, ask.streams, node_folder, root)
        return Search(ask, found).run(until)


def _filter(pattern: str, frames: "_Frames") -> None:
    from workers.agent.logs.stretches import LINE_BYTES

    with within(FILTER_S):
        matcher = Matcher(pattern, ignore_case=False)
    while True:
        block = frames.next().payload
        with within(FILTER_S):
            spans: List[Tuple[int, int]] = matcher.kept(block, LINE_BYTES)
        _write(encode_frame(DATA, 0, b"".join(SPAN.pack(*span) for span in spans)))


class _Frames:
    """What comes on standard input."""

    def __init__(self) -> None:
        self._decoder = FrameDecoder()
        self._waiting: List[Frame] = []

    def next(self) -> Frame:
        """Raises EOFError."""
        while not self._waiting:
            data = os.read(0, 256 * 1024)
            if not data:
                raise EOFError
            self._waiting += self._decoder.feed(data)
        return self._waiting.pop(0)


def _say(message: Any) -> None:
    _write(encode_message(message))


def _write(rest: bytes) -> None:
    while rest:
        rest = rest[os.write(1, rest) :]
