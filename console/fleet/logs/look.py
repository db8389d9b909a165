"""The colours of a log: SGR sequences and nothing else. Every other escape is made visible as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from console.formatting import size
from console.text import sanitise

_SGR = re.compile(r"\x1b\[([0-9;:]{0,64})m")
_SGR_BYTES = re.compile(rb"\x1b\[([0-9;:]{0,64})m")
_PLAIN = re.compile(rb"[\x20-\x7e]*\Z")
_MOST_SPANS = 400  # of one line; what comes after keeps the last look
_TAB = 8
RGB = 0x1000000  # set in a colour that is red, green and blue instead of a palette's number


class Look(NamedTuple):
    """How a stretch of text is to look. A colour is a number of the 256 colours, or ``RGB | 0xrrggbb``."""

    ink: int | None = None
    paper: int | None = None
    bold: bool = False
    dim: bool = False
    underline: bool = False
    reverse: bool = False


PLAIN = Look()


class Span(NamedTuple):
    """Characters from ``start`` up to ``end``."""

    start: int
    end: int
    look: Look


class Shown(NamedTuple):
    """A line ready to be painted: nothing in ``text`` acts, and it has no tab and no line end."""

    text: str
    spans: tuple[Span, ...] = ()


def read(data: bytes, look: Look | None = None, cut: int = 0) -> Shown:
    """The text of a line's bytes and its colours. ``cut``: so many bytes more are not at hand."""
    if not cut and _PLAIN.match(data):
        text = data.decode("ascii")
        return Shown(text, (Span(0, len(text), look),) if look and text else ())
    text, spans = _coloured(_decoded(data, cut), look)
    if cut:
        text += f" … [cut here: {size(cut)} more in the log]"
    return Shown(text, spans)


def after(data: bytes, look: Look | None) -> Look | None:
    """What a line leaves switched on for the lines below it; None where nothing is."""
    last = data.rfind(b"\x1b[")
    if last < 0:
        return look
    if data.startswith((b"\x1b[0m", b"\x1b[m"), last):
        return None
    now = look or PLAIN
    for match in _SGR_BYTES.finditer(data):
        now = turned(now, match.group(1).decode("ascii"))
    return None if now == PLAIN else now


def turned(look: Look, parameters: str) -> Look:
    """``look`` after one SGR sequence with these parameters. What is not a colour or a known look is void."""
    codes = iter(_codes(parameters))
    for code in codes:
        if code == 0:
            look = PLAIN
        elif code in _SWITCHES:
            look = look._replace(**_SWITCHES[code])
        elif 30 <= code <= 37 or 90 <= code <= 97:
            look = look._replace(ink=code - 30 if code < 40 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            look = look._replace(paper=code - 40 if code < 50 else code - 92)
        elif code == 38:
            look = look._replace(ink=_colour(codes, look.ink))
        elif code == 48:
            look = look._replace(paper=_colour(codes, look.paper))
    return look


_SWITCHES: dict[int, dict[str, Any]] = {
    1: {"bold": True}, 2: {"dim": True}, 4: {"underline": True}, 7: {"reverse": True},
    21: {"underline": True}, 22: {"bold": False, "dim": False}, 24: {"underline": False},
    27: {"reverse": False}, 39: {"ink": None}, 49: {"paper": None},
}  # fmt: skip


def _codes(parameters: str) -> list[int]:
    """The numbers; the form 38:2::r:g:b as 38;2;r;g;b. An empty one is 0."""
    codes: list[int] = []
    for part in parameters.split(";"):
        numbers = part.split(":")
        if len(numbers) == 6 and numbers[1] == "2":  # the colour space, which nobody gives
            del numbers[2]
        elif len(numbers) > 1 and numbers[0] == "4":  # a kind of underline
            numbers = ["24"] if numbers[1] == "0" else ["4"]
        codes += [int(number[:4]) if number else 0 for number in numbers]
    return codes


def _colour(codes: Iterator[int], before: int | None) -> int | None:
    form = next(codes, -1)
    if form == 5:
        number = next(codes, -1)
        return number if 0 <= number <= 255 else before
    if form == 2:
        red, green, blue = (next(codes, -1) for _ in range(3))
        if all(0 <= part <= 255 for part in (red, green, blue)):
            return RGB | red << 16 | green << 8 | blue
    return before


def _coloured(text: str, look: Look | None) -> tuple[str, tuple[Span, ...]]:
    now = look or PLAIN
    parts: list[str] = []
    spans: list[Span] = []
    length = done = 0
    for match in _SGR.finditer(text):
        piece = _flat(text[done : match.start()], length)
        if piece:
            parts.append(piece)
            _extend(spans, length, length + len(piece), now)
            length += len(piece)
        done = match.end()
        if len(spans) < _MOST_SPANS:
            now = turned(now, match.group(1))
    piece = _flat(text[done:], length)
    _extend(spans, length, length + len(piece), now)
    return "".join([*parts, piece]), tuple(spans)


def _extend(spans: list[Span], start: int, end: int, look: Look) -> None:
    if look == PLAIN or start == end:
        return
    if spans and spans[-1].end == start and spans[-1].look == look:
        spans[-1] = Span(spans[-1].start, end, look)
    else:
        spans.append(Span(start, end, look))


def _flat(piece: str, column: int) -> str:
    """Sanitised, tabs as blanks up to the next stop, counted from the line's first column."""
    safe = sanitise(piece).replace("\n", "␊")
    if "\t" not in safe:
        return safe
    parts = safe.split("\t")
    flat = parts[0]
    for part in parts[1:]:
        flat += " " * (_TAB - (column + len(flat)) % _TAB) + part
    return flat


def _decoded(data: bytes, cut: int) -> str:
    if cut:  # a character that the cut went through is no fault of the log
        for back in range(1, min(4, len(data)) + 1):
            lead = data[-back]
            if lead >= 0xC0:
                data = data[:-back] if _length(lead) > back else data
                break
            if lead < 0x80:
                break
    return data.decode("utf-8", "replace")


def _length(lead: int) -> int:
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
