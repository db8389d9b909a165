"""An agent that a node's owner has turned against the console: every field it sends is an attack.

Texts are terminal escapes, markup and bidirectional tricks; figures are the largest and smallest that the
protocol lets through. It answers every request and never ends by itself. Run as a program it is the forced
command of an account: it plays the start of a real agent first.
"""

from __future__ import annotations

import hashlib
import os
import select
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, Union

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from workers.protocol import (
    CONSOLE_MESSAGES,
    CountNow,
    DatasetReport,
    DescribeProcess,
    DiskExplanation,
    ExplainDisk,
    Failure,
    FrameDecoder,
    Heartbeat,
    Hello,
    ListProcesses,
    Notice,
    ProcessDetails,
    ProcessTable,
    Sample,
    SignalOutcome,
    SignalProcess,
    Uninstall,
    UninstallReport,
    decode_message,
    encode_message,
)

MARK = "pwned"  # in every text, so that a test knows it was shown

# What a terminal must never get from us. None of these is a form that Textual writes itself.
TEXTS = (
    f"\x1b[5;31m{MARK}",
    f"\x1b]0;{MARK}\x07",
    "\x1b]52;c;cHduZWQ=\x07" + MARK,
    f"\x1b]8;;http://{MARK}/\x1b\\x\x1b]8;;\x1b\\",
    f"\x1bP$q{MARK}\x1b\\",
    f"\x1bc{MARK}",
    f"\x9b5;31m{MARK}",
    f"\x9d52;c;cHduZWQ=\x9c{MARK}",
    f"a\x07\x08\r\n\t{MARK}\x7f\x00",
    f"\u202e{MARK}\u2066x\u2069\u200f\u061c",
    f"a\u2028{MARK}\u2029b\x85c",
    f"\udcff{MARK}\ud800",
    f"[/x]{MARK}",
    f"[@click=app.quit]{MARK}[/]",
    f"[bold red on green]{MARK}[/bold red on green]",
    f"[link=file:///etc/passwd]{MARK}[/link]",
    f"界界{MARK}e\u0301\u0301\u0300",
    f"$(touch {MARK});`touch {MARK}`|-oProxyCommand=touch {MARK}",
    f"../../../../{MARK}",
    f"%s{{0}}$primary{MARK}",
    MARK * 500,
    "",
)
INTEGERS = (0, -1, 1, 2**64 - 1, -(2**63), 100, 10**15)
NUMBERS = (0.0, -1.0, 1.8e19, -1.8e19, 1e-308, 99.9, 1.7e18)

ANSWERS = {
    ListProcesses: ProcessTable,
    DescribeProcess: ProcessDetails,
    SignalProcess: SignalOutcome,
    ExplainDisk: DiskExplanation,
    CountNow: DatasetReport,
    Uninstall: UninstallReport,
}


class Forger:
    """Makes messages whose every field is hostile; each next one is hostile in another way."""

    def __init__(self, start: int = 0, extremes: bool = True) -> None:
        self._texts = _from(TEXTS, start)
        self._integers = _from(INTEGERS if extremes else (3,), start)
        self._numbers = _from(NUMBERS if extremes else (3.0,), start)
        self._turn = start

    def make(self, shape: Any) -> Any:
        """A value of a field's type, or a message."""
        if hasattr(shape, "_fields"):
            return shape(*(self.make(kind) for kind in shape.__annotations__.values()))
        if getattr(shape, "__origin__", None) is Union:
            self._turn += 1
            return None if self._turn % 7 == 0 else self.make(shape.__args__[0])
        if getattr(shape, "__origin__", None) is tuple:
            return tuple(self.make(shape.__args__[0]) for _ in range(3))
        if shape is bool:
            self._turn += 1
            return self._turn % 2 == 0
        return next({str: self._texts, int: self._integers, float: self._numbers}[shape])

    def hello(self) -> Hello:
        """One that the console takes: the protocol is right, all else is not."""
        return self.make(Hello)._replace(protocol=1)  # type: ignore[no-any-return]

    def news(self) -> Iterator[Any]:
        """What nobody asked for."""
        yield Heartbeat(1, time.time(), 1.0)
        yield from (self.make(kind) for kind in (Sample, DatasetReport, Notice))


def answer(forger: Forger, request: Any) -> Any:
    """The reply to a request; None where there is none."""
    kind = ANSWERS.get(type(request))
    return None if kind is None else forger.make(kind)


def _from(values: tuple[Any, ...], start: int) -> Iterator[Any]:
    endless = cycle(values)
    for _ in range(start % len(values)):
        next(endless)
    return endless


# ---------------------------------------------------------------- as a forced command


def _read(count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = os.read(0, count - len(data))
        if not piece:
            sys.exit(0)
        data += piece
    return data


def _send(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def main() -> None:
    """Noise, the marker of a real agent, and then nothing but attacks until the channel ends."""
    words = os.environ["SSH_ORIGINAL_COMMAND"].split()
    _read(int(words[-1].rstrip("';") if words[-1][0].isdigit() else _boot_bytes(words)))
    header = _read(32 + 64 + 8)
    _send("\n".join(TEXTS).encode("utf-8", "surrogatepass"))
    os.write(2, "\n".join(TEXTS[:5]).encode())
    _send(b"qd:" + hashlib.sha256(header[:32]).hexdigest()[:40].encode() + b":+")
    forger = Forger(extremes="--extremes" in sys.argv)
    _send(encode_message(forger.hello()))
    decoder, beat = FrameDecoder(), 0
    while True:
        beat += 1
        _send(encode_message(Heartbeat(beat, time.time(), 1.0)))
        for message in forger.news():
            _send(encode_message(message))
        if not select.select([0], [], [], 0.3)[0]:
            continue
        data = os.read(0, 65536)
        if not data:
            return
        for frame in decoder.feed(data):
            reply = answer(forger, decode_message(frame.payload, CONSOLE_MESSAGES))
            if reply is not None:
                _send(encode_message(reply, frame.stream))
            elif frame.stream:
                _send(encode_message(Failure(TEXTS[0], TEXTS[2]), frame.stream))


def _boot_bytes(words: list[str]) -> int:
    """The length of the second stage, as the command line names it."""
    return int(words[words.index("quarterdeck-python") + 1].rstrip(";"))


if __name__ == "__main__":
    main()
