"""The signs of the screen, and what stands for each where the terminal has only ASCII."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Glyphs:
    """Each attribute is one cell wide unless it says otherwise."""

    up: str = "●"
    stale: str = "◐"
    down: str = "✖"
    connecting: str = "◌"
    attention: str = "!"
    detached: str = "○"
    alert: str = "▲"
    notice: str = "△"
    good: str = "✓"
    marked: str = "✓"
    cursor: str = "▌"
    bar: str = "│"
    ellipsis: str = "…"
    middot: str = "·"
    times: str = "×"
    arrow: str = "→"
    ascending: str = "▴"
    descending: str = "▾"
    missing: str = "–"
    degree: str = "°"
    full: str = "━"  # of a bar: filled and rest
    rest: str = "╌"
    shade: str = "▓"  # of a bar in running text: filled and rest
    light: str = "░"
    line: str = "─"
    upright: str = "│"
    branch: str = "├─"  # of a tree, two cells each: a child, the last child, what goes on below
    last_branch: str = "└─"
    trunk: str = "│ "
    corners: str = "╭╮╰╯"  # four: top left, top right, bottom left, bottom right
    blocks: str = " ▁▂▃▄▅▆▇█"  # nine heights
    braille: bool = True  # graphs of two readings a cell
    rising: str = "↗"
    falling: str = "↘"
    running: str = "▶"  # a worker: at work, on its way, odd, bad, over, not seen now
    waiting: str = "◌"
    odd: str = "△"
    bad: str = "■"
    ended: str = "○"
    unseen: str = "?"

    def worker(self, word: str) -> str:
        """The sign of how a worker fares: running, waiting, odd, bad, ended or unseen."""
        return str(getattr(self, word))

    def state(self, word: str) -> str:
        """The sign of a node's state word (CONTRACTS)."""
        return str(getattr(self, word, self.detached))


UNICODE = Glyphs()
ASCII = Glyphs(
    up="*", stale="~", down="x", connecting=".", attention="!", detached="o", alert="!", notice="?",
    good="+", marked="+", cursor=">", bar="|", ellipsis="~", middot="-", times="x", arrow=">",
    ascending="^", descending="v", missing="-", degree=" ", full="=", rest="-", shade="#", light=".", line="-", upright="|",
    branch="|-", last_branch="`-", trunk="| ", corners="++++", blocks=" .:-=+*#@", braille=False, rising="+", falling="-",
    running=">", waiting=".", odd="?", bad="X", ended="o", unseen="?",
)  # fmt: skip
