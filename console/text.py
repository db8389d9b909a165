"""The sanitiser: every string that comes from a node, a file or a server passes here once, at its entry.

Textual and terminals take ESC, OSC and C1 as commands wherever they stand. What is not plain text is
made visible instead of dropped, so that a hostile name can be seen for what it is.
"""

from __future__ import annotations

import re

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SEPARATORS = "\u2028\u2029\u0085"
_INVISIBLE = "\u200b\u2060\ufeff\u00ad\U000e0000-\U000e007f"
_HOSTILE = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}{_SEPARATORS}{_INVISIBLE}\ud800-\udfff]")


def sanitise(text: str) -> str:
    """`text` with control, C1, bidirectional, separator, invisible and surrogate characters made visible.

    Tab and newline stay. C0 becomes its control picture (U+2400 + code), DEL U+2421, the others `<U+202E>`;
    a lone surrogate becomes U+FFFD.
    """
    return _HOSTILE.sub(_visible, text) if _HOSTILE.search(text) else text


def one_line(text: str, limit: int = 300) -> str:
    """Sanitised text on one line, cut with an ellipsis at `limit` characters."""
    flat = sanitise(text[: limit + 1]).replace("\n", "␊").replace("\t", " ")  # nothing gets shorter
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"<U+{code:04X}>"
