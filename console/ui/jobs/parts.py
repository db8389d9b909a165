"""The nodes of a job in lines: how far each is, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style

from console.fleet.jobs import JobRow
from console.fleet.jobs.amount import BAD, share_of
from console.formatting import age, percent, rate, short_count, size
from console.ui.lines import Line, Pen, words
from console.ui.paint import Inks, fit
from console.ui.widgets.graph import bar
from workers.protocol import ProgressPart

_SIGNS = {"running": "running", "waiting": "waiting", "done": "good", "partial": "bad", "failed": "bad",
          "skipped": "ended"}  # fmt: skip
_ORDER = ("running", "failed", "partial", "waiting", "skipped", "done")
_NAME, _BAR, _LONG = 12, 8, 24
_WIDE = 100  # cells from which on there is room for everything


def parts_lines(row: JobRow, pen: Pen) -> list[Line]:
    """A line for each node: what moves first, then what is wrong, then what waits and what is through."""
    parts = sorted(row.parts, key=lambda part: _place(part.state))
    return [line for part in parts for line in _part(part, row.live, pen)]


def counted(parts: Sequence[ProgressPart]) -> str:
    """`2 running, 1 failed, 12 done`"""
    found: dict[str, int] = {}
    for part in parts:
        word = part.state if part.state in _ORDER else "unknown"
        found[word] = found.get(word, 0) + 1
    return ", ".join(f"{found[state]} {state}" for state in sorted(found, key=_place))


def _part(part: ProgressPart, live: bool, pen: Pen) -> list[Line]:
    """One line; of a node that was not done the whole reason, where the line has no room for it."""
    inks, glyphs = pen.inks, pen.glyphs
    share, tint = None if part.state == "waiting" else share_of(part), _ink(part.state, inks)
    filled, rest = bar(share, _LONG if pen.width >= _WIDE else _BAR, glyphs)
    moves = part.state == "running" and live
    line: Line = [
        (f" {getattr(glyphs, _SIGNS.get(part.state, 'unseen'))} ", tint),
        (fit(part.name, _NAME) + " ", inks.strong if moves else inks.text),
        (filled, tint),
        (rest, inks.faint),
        (
            f"{percent(None if share is None else 100 * share) if share is not None else '':>6} ",
            tint,
        ),
        (
            f"{_bytes(part, pen.width):>{17 if pen.width >= _WIDE else 7}} ",
            inks.dim if part.state == "waiting" else inks.text,
        ),
        (
            f"{rate(part.rate_bytes_s) if moves and part.rate_bytes_s is not None else '':>9} ",
            inks.good,
        ),
        (f"{age(part.eta_s) if moves and part.eta_s is not None else '':>6}  ", inks.dim),
    ]
    if pen.width >= _WIDE:
        line.append((f"{fit(_units(part), 17)} ", inks.dim))
    room = max(0, pen.width - sum(len(text) for text, _ in line))
    said = part.message or part.state
    bad = part.state in BAD
    if bad and cell_len(said) > room:
        return [line, *words(pen, said, tint, 3)]
    return [[*line, (fit(said, room), tint if bad else inks.dim)]]


def _bytes(part: ProgressPart, width: int) -> str:
    if part.state == "waiting":
        return "" if part.bytes_total is None else size(part.bytes_total)
    if part.bytes is None:
        return ""
    if width < _WIDE or part.bytes_total is None or part.state == "done":
        return size(part.bytes)
    return f"{size(part.bytes)}/{size(part.bytes_total)}"


def _units(part: ProgressPart) -> str:
    """`412/1,040 files`"""
    if part.done is None or part.state == "waiting":
        return "" if part.total is None else f"{short_count(part.total)} {part.unit}"
    total = "" if part.total is None else f"/{short_count(part.total)}"
    return f"{short_count(part.done)}{total} {part.unit}".rstrip()


def _ink(state: str, inks: Inks) -> Style:
    return {"running": inks.good, "done": inks.good, "failed": inks.bad, "partial": inks.bad,
            "waiting": inks.warn}.get(state, inks.dim)  # fmt: skip


def _place(state: str) -> int:
    return _ORDER.index(state) if state in _ORDER else len(_ORDER)
