"""The bytes of a log on their way to standard output: as they are, or on a terminal only what is harmless."""

from __future__ import annotations

import codecs
import re
import sys

from console.text import sanitise

_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:]{0,64})?\Z")
_PIECES = re.compile(r"(\x1b\[[0-9;:]{0,64}m|\r\n?)")
RESET = "\x1b[0m"


class TerminalText:
    """Text of one stream of bytes, however cut: its colours stay, whatever else would act is made visible."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def take(self, data: bytes) -> str:
        """What can be shown now; the beginning of a colour waits for its end."""
        text = self._held + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        self._held = text[unfinished.start() :] if unfinished else ""
        return _harmless(text[: unfinished.start()] if unfinished else text)

    def end(self) -> str:
        """What was held back, and the terminal's own colours again."""
        return _harmless(self._held + self._decoder.decode(b"", True)) + RESET


class LogWriter:
    """Writes to standard output."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._texts: dict[int, TerminalText] = {}

    def write(self, which: int, data: bytes) -> None:
        """Bytes of one stream, written at once."""
        if self._terminal:
            sys.stdout.write(self._texts.setdefault(which, TerminalText()).take(data))
            sys.stdout.flush()
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def end(self) -> None:
        for text in self._texts.values():
            sys.stdout.write(text.end())
        sys.stdout.flush()


def _harmless(text: str) -> str:
    """A carriage return begins its line anew, as progress bars want it."""
    pieces = _PIECES.split(text)
    return "".join(piece if place % 2 else sanitise(piece) for place, piece in enumerate(pieces))
