"""The lines inside a pane: each function gives some of them for one kind of fact, `width` cells wide."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from math import ceil

from rich.style import Style

from console import formatting
from console.fleet.history import Ring
from console.ui.lines import Line, Pen, length
from console.ui.node_view import DiskUse, NodeView
from console.ui.paint import Piece, fit
from console.ui.widgets.graph import bar, coloured, heat_cell
from workers.protocol import Gpu

Lines = list[Line]
Pick = Callable[[float], Style]
_LABEL = 4


def cpu(view: NodeView, pen: Pen, height: int) -> Lines:
    """The CPU's history, its percentage now, and the load."""
    tail: list[Piece] = [_percent(pen, view.cpu, pen.inks.work)]
    if pen.width >= 42:
        load = formatting.MISSING if view.load is None else f"{view.load:.1f}"
        over = view.load is not None and view.cores and view.load > 1.5 * view.cores
        tail += [
            ("  load", pen.inks.dim),
            (load.rjust(6), pen.inks.warn if over else pen.inks.text),
        ]
    return _graph("cpu", view.history.cpu, tail, pen, height, pen.inks.work)


def cpu_and_memory(view: NodeView, pen: Pen, height: int) -> Lines:
    """Both in one line, where there is no room for two."""
    tail = [
        _percent(pen, view.cpu, pen.inks.work),
        ("  mem", pen.inks.dim),
        _percent(pen, view.memory_percent),
    ]
    return _graph("cpu", view.history.cpu, tail, pen, height, pen.inks.work)


def memory(view: NodeView, pen: Pen, height: int) -> Lines:
    """A bar, its percentage, and used of total."""
    used, total = view.memory_bytes
    amount = formatting.memory_of(used, total).rjust(14)
    tail: list[Piece] = [_percent(pen, view.memory_percent), (amount, pen.inks.text)]
    return [_bar("mem", view.memory_percent, tail, pen)]


def gpu(view: NodeView, pen: Pen, height: int) -> Lines:
    """One heat cell a GPU; with more room their history above."""
    if view.gpu_fault:
        return [[("gpu ", pen.inks.dim), (fit(view.gpu_fault, pen.width - _LABEL), pen.inks.bad)]]
    tail = _gpu_tail(view, pen)
    heat = pen.inks.heat
    if height > 1:
        tail.insert(0, _percent(pen, view.gpu_percent, heat))
        above = _graph("gpu", view.history.gpu, tail, pen, height - 1, heat)
        return [*above, [("    ", pen.inks.dim), *_heat(view.gpus, pen.width - _LABEL, pen)]]
    room = pen.width - _LABEL - length(tail)
    cells = _heat(view.gpus, room, pen)
    gap = room - length(cells)
    middle: list[Piece] = [(" " * gap, pen.inks.text)]
    if gap >= 7:
        graph = coloured(view.history.gpu, gap - 1, 1, heat, pen.glyphs)[0]
        middle = [(" ", pen.inks.text), *graph]
    return [[("gpu ", pen.inks.dim), *cells, *middle, *tail]]


def disks(view: NodeView, pen: Pen, height: int) -> Lines:
    """The fullest disks, one a line."""
    return [_disk(use, pen) for use in view.disks[:height]]


def trouble(view: NodeView, pen: Pen, height: int) -> Lines:
    """Why there is no link, what a person can do, and when it is tried again."""
    state = pen.inks.state(view.state)
    said = _wrapped(view.trouble, pen.width, max(1, height - 2))
    lines: Lines = [[(line, state)] for line in said]
    lines += [
        [(line, pen.inks.dim)] for line in _wrapped(view.remedy, pen.width, height - len(lines))
    ]
    retry = view.retry_in_s
    if retry is not None and len(lines) < height:
        soon = f"{max(1, ceil(retry))} s" if retry < 60 else formatting.age(retry)
        lines.append([(f"tried again in {soon}", pen.inks.faint)])
    return lines[:height]


# ------------------------------------------------------------ parts


def _percent(pen: Pen, value: float | None, pick: Pick | None = None) -> Piece:
    """Six cells: `  82 %`, coloured as `pick` says (as a level without it)."""
    style = pen.inks.dim if value is None else (pick or pen.inks.level)(value)
    return formatting.percent(value).rjust(6), style


def _graph(
    label: str,
    history: Ring,
    tail: list[Piece],
    pen: Pen,
    height: int,
    pick: Pick,
) -> Lines:
    taken = length(tail)
    width = max(0, pen.width - _LABEL - taken)
    rows = coloured(history, width, height, pick, pen.glyphs)
    lines: Lines = []
    for index, row in enumerate(rows):
        head = label.ljust(_LABEL) if index == 0 else " " * _LABEL
        lines.append([(head, pen.inks.dim), *row, *(tail if index == 0 else ())])
    return lines


def _bar(label: str, percent: float | None, tail: list[Piece], pen: Pen) -> list[Piece]:
    width = max(0, pen.width - len(label.ljust(_LABEL)) - length(tail))
    full, rest = bar(None if percent is None else percent / 100, width, pen.glyphs)
    style = pen.inks.level(percent or 0.0)
    return [(label.ljust(_LABEL), pen.inks.dim), (full, style), (rest, pen.inks.faint), *tail]


def _gpu_tail(view: NodeView, pen: Pen) -> list[Piece]:
    hot = view.alert_of("gpu_hot")
    heat = formatting.MISSING if view.hottest_c is None else f"{view.hottest_c:.0f}"
    watts = formatting.MISSING if view.power_w is None else f"{view.power_w:.0f}"
    return [
        (f"{heat:>5}{pen.glyphs.degree}", pen.inks.bad if hot else pen.inks.text),
        (f"{watts:>6} W", pen.inks.text),
    ]


def _heat(gpus: tuple[Gpu, ...], room: int, pen: Pen) -> list[Piece]:
    """As wide as the room allows: block and number, number, or block alone."""
    if not gpus:
        return []
    each = room // len(gpus)
    return [piece for gpu in gpus for piece in _cell(gpu, each, pen)]


def _cell(gpu: Gpu, each: int, pen: Pen) -> list[Piece]:
    value = gpu.utilization_percent
    if gpu.lost or gpu.fault:
        word = "lost" if gpu.lost else "?"
        text = f"{pen.glyphs.down}{word:<4} " if each >= 6 else f"{pen.glyphs.down}    "
        return [
            (
                fit(text, min(each, 6)) if each >= 5 else fit(pen.glyphs.down, min(each, 2)),
                pen.inks.bad,
            )
        ]
    block = heat_cell(value, pen.glyphs)
    style = pen.inks.dim if value is None else pen.inks.heat(value)
    number = formatting.MISSING if value is None else f"{value:.0f}"
    if each >= 6:
        return [(block * 2, style), (f"{number:>3} ", pen.inks.text)]
    if each >= 5:
        return [(block, style), (f"{number:>3} ", pen.inks.text)]
    return [(block, style), (" ", style)] if each >= 2 else [(block, style)]


def _disk(use: DiskUse, pen: Pen) -> list[Piece]:
    path = fit(use.disk.path, 10 if pen.width >= 46 else 7)
    if use.percent is None:
        return [
            (f"{path} ", pen.inks.dim),
            (fit(use.disk.fault or "not readable", pen.width - len(path) - 1), pen.inks.bad),
        ]
    word, style = "", pen.inks.dim
    if use.percent >= 99.95:
        word, style = "full", pen.inks.bad
    elif use.full_in_s is not None:
        word = f"full in {formatting.age(use.full_in_s)}"
        style = pen.inks.warn if use.full_in_s < 86_400 else pen.inks.dim
    elif use.disk.read_only:
        word, style = "read-only", pen.inks.warn
    elif use.disk.available_bytes is not None:
        word = f"{formatting.size(use.disk.available_bytes)} free"
    tail: list[Piece] = [_percent(pen, use.percent), (fit(word, 16, right=True), style)]
    if pen.width < 46:
        short = word.replace("full in ", pen.glyphs.rising).removesuffix(" free")
        tail[1] = (fit(short, 9, right=True), style)
    return _bar(f"{path} ", use.percent, tail, pen)


def _wrapped(text: str, width: int, lines: int) -> list[str]:
    """`text` on at most `lines` lines of `width` cells; the last ends in an ellipsis if it is cut."""
    if not text or lines < 1:
        return []
    found = textwrap.wrap(fit(text, len(text)), width) or [""]
    if len(found) > lines:
        found[lines - 1] = fit(" ".join(found[lines - 1 :]), width)
    return found[:lines]
