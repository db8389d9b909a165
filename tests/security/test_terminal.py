"""The whole program in a terminal against a hostile account: nothing but Textual's own sequences comes out."""

from __future__ import annotations

import base64
import re
import sys
from pathlib import Path

from tests.security.conftest import HostileNode
from tests.terminal import Terminal

# Everything that the screen itself writes. Colours are 24-bit in this terminal: no palette, no blinking.
_OURS = re.compile(
    r"\x1b\[(?:(?:0|1|2|3|4|7|9|[34]8;2;\d+;\d+;\d+)(?:;(?:0|1|2|3|4|7|9|[34]8;2;\d+;\d+;\d+))*)?m"
    r"|\x1b\[\d+;\d+H"  # the cursor's place
    r"|\x1b\[\?(?:7|25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048)[hl]"  # modes
    r"|\x1b\[\?(?:2026|2048)\$p|\x1b\[>\d+u|\x1b\[<u|\x1b\[\?4[lm]|\x1b\[6n|\x1b\[c"
    r"|\x1b\]22;[a-z-]+\x07"  # the pointer's shape
)
_COPIED = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\ud800-\udfff]"
)
TOUR = (
    *("t", "v", "v", "v", "G", "g", "y", "d", "\x1b"),
    *("\r", "]", "y", "\r", "\x1b", "]", "]", "e", "\x1b", "]", "]", "y", "\x1b"),
    *("4", "j", "y", "\x1b", "7", "j", "y", "H", "\x1b", "1"),
    *("\x13", ":", "pwned", "\x1b", "/pwned\r", "\x1b", "?", "\x1b"),
)


def strange(written: str) -> list[str]:
    """What is neither text nor one of the screen's own sequences, with its surroundings."""
    text = _OURS.sub("", _COPIED.sub("", written))
    return [ascii(text[max(0, m.start() - 30) : m.end() + 30]) for m in _FORBIDDEN.finditer(text)]


def test_a_hostile_node_reaches_the_screen_as_text_and_the_terminal_not_at_all(
    hostile_node: HostileNode,
) -> None:
    program = hostile_node.program
    environment = {**program.environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with Terminal([sys.executable, "-m", "console"], 160, 45, environment) as terminal:
        terminal.wait_for("evil", 20)
        terminal.wait_for("pwned", 20)
        for keys in TOUR:
            terminal.send(keys)
            for _ in range(6):
                terminal.pump(0.05)
            assert terminal.poll() is None, terminal.text
        terminal.wait_for("evil", 10)
        terminal.send("\x11")
        assert terminal.wait_for_exit() == 0
        written = terminal.raw.decode("utf-8", "surrogateescape")
    assert not strange(written)
    for text in _COPIED.findall(written):
        copied = base64.b64decode(text).decode("utf-8")
        assert not _FORBIDDEN.search(copied), ascii(copied)
    assert not list(hostile_node.home.rglob("*pwned*")), "a node's words never become a file's name"
    _nothing_strange_in(hostile_node.home / ".local" / "state" / "quarterdeck")


def _nothing_strange_in(folder: Path) -> None:
    """In what was written: the saved view, the audit log, the console's log."""
    texts = [p for p in folder.rglob("*") if p.suffix in (".txt", ".svg", ".jsonl", ".log")]
    assert {".txt", ".svg", ".log"} <= {path.suffix for path in texts}
    for path in texts:
        found = _FORBIDDEN.search(path.read_bytes().decode("utf-8", "surrogateescape"))
        assert not found, f"{path.name}: {found}"
