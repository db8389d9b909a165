"""What makes a whole screen ASCII: every line of every widget passes here before it is painted."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_KNOWN = {
    "…": "~", "–": "-", "×": "x", "·": "-", "→": ">", "←": "<", "↑": "^", "↓": "v", "°": " ",
    "✓": "+", "●": "*", "▌": "|", "▎": "|", "•": "*", "▶": ">", "▼": "v", "█": "#", " ": " ",
}  # fmt: skip
_LIGHT = "─━╌═▔▁▂▃▄▅▆▇▀"
_UPRIGHT = "│┃║▏▕▐"
_CORNERS = "╭╮╰╯┌┐└┘├┤┬┴┼"
_TABLE = str.maketrans(
    {
        **_KNOWN,
        **dict.fromkeys(_LIGHT, "-"),
        **dict.fromkeys(_UPRIGHT, "|"),
        **dict.fromkeys(_CORNERS, "+"),
    }
)


class AsciiOnly(LineFilter):
    """Replaces each sign by one that every terminal has; what has none becomes `?`, as wide as it was."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(plain(text), style, control) if not control and not text.isascii() else segment
            for segment in segments
            for text, style, control in (segment,)
        ]


def plain(text: str) -> str:
    """`text` in ASCII, of the same width."""
    near = text.translate(_TABLE)
    if near.isascii():
        return near
    return "".join(c if c.isascii() else "?" * cell_len(c) for c in near)
