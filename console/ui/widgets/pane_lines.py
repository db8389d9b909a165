"""The lines inside a pane: each function gives some of them for one kind of fact, `width` cells wide."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from rich.style import Style

from console import formatting
from console.fleet.history import Ring
from console.ui.glyphs import Glyphs
from console.ui.node_view import DataCount, DiskUse, NodeView
from console.ui.paint import Inks, Piece, fit, measure
from console.ui.widgets.graph import bar, coloured, heat_cell
from workers.protocol import Gpu, Process

Lines = list[list[Piece]]
Pick = Callable[[float], Style]
_LABEL = 4


class Brush:
    """What drawing a pane needs beside the facts."""

    def __init__(self, inks: Inks, glyphs: Glyphs, width: int) -> None:
        self.inks = inks
        self.glyphs = glyphs
        self.width = width

    def percent(self, value: float | None, pick: Pick | None = None) -> Piece:
        """Six cells: `  82 %`, coloured as `pick` says (as a level without it)."""
        style = self.inks.dim if value is None else (pick or self.inks.level)(value)
        return formatting.percent(value).rjust(6), style

    def words(self, text: str, width: int, right: bool = False) -> Piece:
        return fit(text, width, right), self.inks.dim


def cpu(view: NodeView, brush: Brush, height: int) -> Lines:
    """The CPU's history, its percentage now, and the load."""
    tail: list[Piece] = [brush.percent(view.cpu, brush.inks.work)]
    if brush.width >= 42:
        load = formatting.MISSING if view.load is None else f"{view.load:.1f}"
        over = view.load is not None and view.cores and view.load > 1.5 * view.cores
        tail += [
            ("  load", brush.inks.dim),
            (load.rjust(6), brush.inks.warn if over else brush.inks.text),
        ]
    return _graph("cpu", view.history.cpu, tail, brush, height, brush.inks.work)


def cpu_and_memory(view: NodeView, brush: Brush, height: int) -> Lines:
    """Both in one line, where there is no room for two."""
    tail = [
        brush.percent(view.cpu, brush.inks.work),
        ("  mem", brush.inks.dim),
        brush.percent(view.memory_percent),
    ]
    return _graph("cpu", view.history.cpu, tail, brush, height, brush.inks.work)


def memory(view: NodeView, brush: Brush, height: int) -> Lines:
    """A bar, its percentage, and used of total."""
    used, total = view.memory_bytes
    amount = formatting.memory_of(used, total).rjust(13 if brush.width >= 42 else 12)
    tail: list[Piece] = [brush.percent(view.memory_percent), (amount, brush.inks.text)]
    return [_bar("mem", view.memory_percent, tail, brush)]


def gpu(view: NodeView, brush: Brush, height: int) -> Lines:
    """One heat cell a GPU; with more room their history above."""
    if view.gpu_fault:
        return [
            [("gpu ", brush.inks.dim), (fit(view.gpu_fault, brush.width - _LABEL), brush.inks.bad)]
        ]
    tail = _gpu_tail(view, brush)
    heat = brush.inks.heat
    if height > 1:
        tail.insert(0, brush.percent(view.gpu_percent, heat))
        above = _graph("gpu", view.history.gpu, tail, brush, height - 1, heat)
        return [*above, [("    ", brush.inks.dim), *_heat(view.gpus, brush.width - _LABEL, brush)]]
    room = brush.width - _LABEL - measure(tail)
    cells = _heat(view.gpus, room, brush)
    gap = room - measure(cells)
    middle: list[Piece] = [(" " * gap, brush.inks.text)]
    if gap >= 7:
        graph = coloured(view.history.gpu, gap - 1, 1, heat, brush.glyphs)[0]
        middle = [(" ", brush.inks.text), *graph]
    return [[("gpu ", brush.inks.dim), *cells, *middle, *tail]]


def disks(view: NodeView, brush: Brush, height: int) -> Lines:
    """The fullest disks, one a line."""
    return [_disk(use, brush) for use in view.disks[:height]]


def data(view: NodeView, brush: Brush, height: int) -> Lines:
    """Counts with their rates: one a line, or as many as fit into the last."""
    if height == 1:
        return [_flow([_count(count, brush) for count in view.data], brush)]
    shown = [
        _count_line(count, brush)
        for count in view.data[: height if len(view.data) <= height else height - 1]
    ]
    if len(view.data) > height:
        shown.append(_flow([_count(count, brush) for count in view.data[height - 1 :]], brush))
    return shown


def top(view: NodeView, brush: Brush, height: int) -> Lines:
    """The busiest processes: in one line, or one a line."""
    if height == 1:
        return [_flow([_process(process, brush) for process in view.processes[:4]], brush)]
    return [_process_line(process, brush) for process in view.processes[:height]]


def trouble(view: NodeView, brush: Brush, height: int) -> Lines:
    """Why there is no link, what a person can do, and when it is tried again."""
    state = brush.inks.state(view.state)
    said = _wrapped(view.trouble, brush.width, max(1, height - 2))
    lines: Lines = [[(line, state)] for line in said]
    lines += [
        [(line, brush.inks.dim)] for line in _wrapped(view.remedy, brush.width, height - len(lines))
    ]
    retry = view.retry_in_s
    if retry is not None and len(lines) < height:
        lines.append([(f"tried again in {formatting.age(retry)}", brush.inks.faint)])
    return lines[:height]


# ------------------------------------------------------------ parts


def _graph(
    label: str,
    history: Ring,
    tail: list[Piece],
    brush: Brush,
    height: int,
    pick: Pick,
) -> Lines:
    taken = measure(tail)
    width = max(0, brush.width - _LABEL - taken)
    rows = coloured(history, width, height, pick, brush.glyphs)
    lines: Lines = []
    for index, row in enumerate(rows):
        head = label.ljust(_LABEL) if index == 0 else " " * _LABEL
        lines.append([(head, brush.inks.dim), *row, *(tail if index == 0 else ())])
    return lines


def _bar(label: str, percent: float | None, tail: list[Piece], brush: Brush) -> list[Piece]:
    width = max(0, brush.width - len(label.ljust(_LABEL)) - measure(tail))
    full, rest = bar(None if percent is None else percent / 100, width, brush.glyphs)
    style = brush.inks.level(percent or 0.0)
    return [(label.ljust(_LABEL), brush.inks.dim), (full, style), (rest, brush.inks.faint), *tail]


def _gpu_tail(view: NodeView, brush: Brush) -> list[Piece]:
    hot = view.alert_of("gpu_hot")
    heat = formatting.MISSING if view.hottest_c is None else f"{view.hottest_c:.0f}"
    watts = formatting.MISSING if view.power_w is None else f"{view.power_w:.0f}"
    return [
        (f"{heat:>5}{brush.glyphs.degree}", brush.inks.bad if hot else brush.inks.text),
        (f"{watts:>6} W", brush.inks.text),
    ]


def _heat(gpus: tuple[Gpu, ...], room: int, brush: Brush) -> list[Piece]:
    """As wide as the room allows: block and number, number, or block alone."""
    if not gpus:
        return []
    each = room // len(gpus)
    return [piece for gpu in gpus for piece in _cell(gpu, each, brush)]


def _cell(gpu: Gpu, each: int, brush: Brush) -> list[Piece]:
    value = gpu.utilization_percent
    if gpu.lost or gpu.fault:
        word = "lost" if gpu.lost else "?"
        text = f"{brush.glyphs.down}{word:<4} " if each >= 6 else f"{brush.glyphs.down}    "
        return [
            (
                fit(text, min(each, 6)) if each >= 5 else fit(brush.glyphs.down, min(each, 2)),
                brush.inks.bad,
            )
        ]
    block = heat_cell(value, brush.glyphs)
    style = brush.inks.dim if value is None else brush.inks.heat(value)
    number = formatting.MISSING if value is None else f"{value:.0f}"
    if each >= 6:
        return [(block * 2, style), (f"{number:>3} ", brush.inks.text)]
    if each >= 5:
        return [(block, style), (f"{number:>3} ", brush.inks.text)]
    return [(block, style), (" ", style)] if each >= 2 else [(block, style)]


def _disk(use: DiskUse, brush: Brush) -> list[Piece]:
    path = fit(use.disk.path, 10 if brush.width >= 46 else 7)
    if use.percent is None:
        return [
            (f"{path} ", brush.inks.dim),
            (fit(use.disk.fault or "not readable", brush.width - len(path) - 1), brush.inks.bad),
        ]
    word, style = "", brush.inks.dim
    if use.percent >= 99.95:
        word, style = "full", brush.inks.bad
    elif use.full_in_s is not None:
        word = f"full in {formatting.age(use.full_in_s)}"
        style = brush.inks.warn if use.full_in_s < 86_400 else brush.inks.dim
    elif use.disk.read_only:
        word, style = "read-only", brush.inks.warn
    elif use.disk.available_bytes is not None:
        word = f"{formatting.size(use.disk.available_bytes)} free"
    tail: list[Piece] = [brush.percent(use.percent), (fit(word, 16, right=True), style)]
    if brush.width < 46:
        tail[1] = (fit(word.replace("full in ", brush.glyphs.rising), 9, right=True), style)
    return _bar(f"{path} ", use.percent, tail, brush)


def _count(count: DataCount, brush: Brush) -> list[Piece]:
    name = fit(count.name, min(16, len(count.name)))
    if count.records is None:
        return [
            (f"{name} ", brush.inks.dim),
            (fit(count.reason or "counting", 18).rstrip(), brush.inks.warn),
        ]
    pieces: list[Piece] = [
        (f"{name} ", brush.inks.dim),
        (formatting.count(count.records), brush.inks.text),
    ]
    if count.per_hour is not None:
        style = brush.inks.good if count.per_hour > 0 else brush.inks.faint
        pieces.append((f" +{_hourly(count.per_hour)}", style))
    return pieces


def _count_line(count: DataCount, brush: Brush) -> list[Piece]:
    if count.records is None:
        reason = count.reason or "counting"
        return [
            (fit(count.name, 16), brush.inks.dim),
            (fit(reason, brush.width - 16, right=True), brush.inks.warn),
        ]
    per_hour = "" if count.per_hour is None else f"+{_hourly(count.per_hour)}"
    style = brush.inks.good if count.per_hour else brush.inks.faint
    gap = max(0, brush.width - 16 - 12 - 10)
    line = [
        (fit(count.name, 16 + gap), brush.inks.dim),
        (formatting.count(count.records).rjust(12), brush.inks.text),
    ]
    return [*line, (per_hour.rjust(10), style)]


def _hourly(value: float) -> str:
    return f"{formatting.count(value) if value < 100_000 else formatting.short_count(value)}/h"


def _process(process: Process, brush: Brush) -> list[Piece]:
    busy = formatting.percent(process.cpu_percent)
    name = fit(process.name, min(16, max(1, len(process.name)))).rstrip()
    return [
        (name, brush.inks.dim),
        (f" {busy} {formatting.memory(process.memory_bytes)}", brush.inks.text),
    ]


def _process_line(process: Process, brush: Brush) -> list[Piece]:
    tail: list[Piece] = [
        (formatting.percent(process.cpu_percent).rjust(7), brush.inks.text),
        (formatting.memory(process.memory_bytes).rjust(10), brush.inks.text),
    ]
    if brush.width >= 56:
        gpu = (
            "" if process.gpu_memory_bytes is None else formatting.memory(process.gpu_memory_bytes)
        )
        tail.append((gpu.rjust(10), brush.inks.second))
        tail.insert(0, (fit(process.user, 8), brush.inks.faint))
    room = max(0, brush.width - measure(tail) - 1)
    shown = process.command if room > 30 else process.name
    return [(fit(shown, room) + " ", brush.inks.dim), *tail]


def _flow(items: list[list[Piece]], brush: Brush) -> list[Piece]:
    """As many whole items as fit, divided by a dot; `+2` for those that do not."""
    apart: Piece = (f" {brush.glyphs.middot} ", brush.inks.faint)
    line: list[Piece] = []
    used = 0
    for index, item in enumerate(items):
        length = measure(item) + (len(apart[0]) if line else 0)
        left = len(items) - index - 1
        if used + length + (4 if left else 0) > brush.width and line:
            line.append((f" +{left + 1}", brush.inks.faint))
            break
        line += [apart, *item] if line else item
        used += length
    return line


def _wrapped(text: str, width: int, lines: int) -> list[str]:
    """`text` on at most `lines` lines of `width` cells; the last ends in an ellipsis if it is cut."""
    if not text or lines < 1:
        return []
    found = textwrap.wrap(fit(text, len(text)), width) or [""]
    if len(found) > lines:
        found[lines - 1] = fit(" ".join(found[lines - 1 :]), width)
    return found[:lines]
