"""The table every benchmark prints. A ratio is taken within one run, on one machine."""

from __future__ import annotations

import os
import platform
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

MET = "met"
MISSED = "MISSED"
NONE = ""


class Row(NamedTuple):
    """One measured thing. Every cell is text as it is printed; an empty one was not measured."""

    what: str
    ours: str = NONE
    peer: str = NONE  # the figure, then the peer's name
    ratio: str = NONE  # ours against the peer's, in the direction the target says
    target: str = NONE
    verdict: str = NONE  # MET, MISSED, or why there is none
    note: str = NONE


def verdict(met: bool) -> str:
    return MET if met else MISSED


def seconds(value: float) -> str:
    """`1.24 s`, `58 ms`."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def times(value: float) -> str:
    """`0.83 ×`."""
    return f"{value:.2f} ×"


def render(title: str, rows: Iterable[Row]) -> str:
    """Title, head and rows in columns as wide as their widest cell. Notes stand below, numbered."""
    lines = [list(Row._fields[:-1])]
    notes: list[str] = []
    for row in rows:
        cells = list(row[:-1])
        if row.note:
            if row.note not in notes:
                notes.append(row.note)
            cells[0] += f" [{notes.index(row.note) + 1}]"
        lines.append(cells)
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    text = [title, ""]
    for number, cells in enumerate(lines):
        padded = [cell + " " * (w - _width(cell)) for cell, w in zip(cells, widths, strict=True)]
        text.append("  ".join(padded).rstrip())
        if number == 0:
            text.append("  ".join("─" * w for w in widths))
    text += ["", *(f"[{i}] {note}" for i, note in enumerate(notes, 1))] if notes else []
    return "\n".join(text) + "\n"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def main(what: str, parts: Mapping[str, Callable[[], list[Row]]], wanted: list[str]) -> int:
    """Measures the wanted parts, all without any, and prints the table; the exit code."""
    unknown = [name for name in wanted if name not in parts]
    if unknown:
        print(f"no such part: {unknown[0]} (there are {', '.join(parts)})", file=sys.stderr)
        return 2
    rows: list[Row] = []
    for name in wanted or parts:
        print(f"measuring: {name} …", file=sys.stderr)
        rows += parts[name]()
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load at the end {load}"
    print(render(f"Quarterdeck {what} on {machine}", rows))
    return 0
