"""The columns of the fleet's table: what each shows of a node, how wide it is, and which goes first.

A column never changes its width while it is read: widths depend on the terminal and on the names alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from console import formatting
from console.fleet.workers.groups import UNSEEN
from console.ui.glyphs import Glyphs
from console.ui.node_view import NodeView
from console.ui.paint import Inks, Piece, fit
from console.ui.widgets.graph import bar, coloured, heat_cell

Draw = Callable[[NodeView, int, Inks, Glyphs], list[Piece]]


@dataclass(frozen=True)
class Column:
    """`rank` 0 always stays; the highest rank leaves first. `sort` is a name of `sort_nodes`."""

    key: str
    title: str
    width: int
    draw: Draw
    rank: int = 0
    right: bool = True
    sort: str | None = None
    grows: bool = False
    descending: bool = True  # the first order when it is sorted by


def _figure(text: str, width: int, style: object) -> list[Piece]:
    return [(text.rjust(width), style)]  # type: ignore[list-item]


def _name(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    return [(fit(view.name, width), inks.strong)]


def _state(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    return [(view.state.ljust(width)[:width], inks.state(view.state))]


def _cpu_graph(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    return coloured(view.history.cpu, width, 1, inks.work, glyphs)[0]


def _gpu_graph(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    if not view.gpus:
        return [(" " * width, inks.text)]
    return coloured(view.history.gpu, width, 1, inks.heat, glyphs)[0]


def _cpu(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    style = inks.dim if view.cpu is None else inks.work(view.cpu)
    return _figure(formatting.percent(view.cpu), width, style)


def _load(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    text = formatting.MISSING if view.load is None else f"{view.load:.1f}"
    over = view.load is not None and view.cores and view.load > 1.5 * view.cores
    return _figure(text, width, inks.warn if over else inks.dim)


def _memory(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    value = view.memory_percent
    return _figure(
        formatting.percent(value), width, inks.dim if value is None else inks.level(value)
    )


def _memory_amount(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    return _figure(formatting.memory_of(*view.memory_bytes), width, inks.dim)


def _gpus(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    """A block a GPU, with its number where there is room; what does not fit is counted."""
    if view.gpu_fault:
        return [(fit(view.gpu_fault, width), inks.bad)]
    if not view.gpus:
        return [(" " * width, inks.text)]
    each = 5 if width >= 5 * len(view.gpus) else 2 if width >= 2 * len(view.gpus) else 1
    pieces: list[Piece] = []
    shown = view.gpus if len(view.gpus) * each <= width else view.gpus[: width - 3]
    for gpu in shown:
        value = gpu.utilization_percent
        if gpu.lost or gpu.fault:
            word = ("lost" if gpu.lost else "?") if each == 5 else ""
            pieces.append((fit(glyphs.down + word, each), inks.bad))
            continue
        style = inks.dim if value is None else inks.heat(value)
        block = heat_cell(value, glyphs)
        number = formatting.MISSING if value is None else f"{value:.0f}"
        pieces.append((block if each == 1 else block + " " if each == 2 else block, style))
        if each == 5:
            pieces.append((f"{number:>3} ", inks.text))
    used = len(shown) * each
    more = f"+{len(view.gpus) - len(shown)}" if len(shown) < len(view.gpus) else ""
    return [*pieces, (more.ljust(width - used)[: max(0, width - used)], inks.dim)]


def _gpu_mean(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    if not view.gpus:
        return [(" " * width, inks.text)]
    value = view.gpu_percent
    return _figure(
        formatting.percent(value), width, inks.dim if value is None else inks.heat(value)
    )


def _gpu_memory(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    value = view.gpu_memory_percent
    if not view.gpus:
        return [(" " * width, inks.text)]
    return _figure(
        formatting.percent(value), width, inks.dim if value is None else inks.heat(value)
    )


def _temperature(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    if view.hottest_c is None:
        return [(" " * width, inks.text)]
    style = inks.bad if view.alert_of("gpu_hot") else inks.text
    return _figure(f"{view.hottest_c:.0f}{glyphs.degree}", width, style)


def _power(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    text = "" if view.power_w is None else f"{view.power_w:.0f} W"
    return _figure(text, width, inks.dim)


def _disk(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    worst = view.worst_disk
    if worst is None:
        return _figure(formatting.MISSING, width, inks.dim)
    if worst.percent is None:
        return [(fit("fault", width, right=True), inks.bad)]
    return _figure(formatting.percent(worst.percent), width, inks.level(worst.percent))


def _disk_bar(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    worst = view.worst_disk
    share = None if worst is None or worst.percent is None else worst.percent
    full, rest = bar(None if share is None else share / 100, width, glyphs)
    return [(full, inks.level(share or 0.0)), (rest, inks.faint)]


def _full_in(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    worst = view.worst_disk
    if worst is not None and worst.percent is not None and worst.percent >= 99.95:
        return _figure("full", width, inks.bad)
    soonest = min((u.full_in_s for u in view.disks if u.full_in_s is not None), default=None)
    if soonest is None:
        return [(" " * width, inks.text)]
    return _figure(formatting.age(soonest), width, inks.warn if soonest < 86_400 else inks.dim)


def _records(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    if not view.data:
        return [(" " * width, inks.text)]
    return _figure(formatting.short_count(view.records), width, inks.text)


def _rate(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    value = view.records_per_hour
    if value is None:
        return [(" " * width, inks.text)]
    text = f"+{formatting.short_count(value)}/h"
    return _figure(text, width, inks.good if value > 0 else inks.faint)


def _top(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    if not view.processes:
        return [(" " * width, inks.text)]
    busiest = view.processes[0]
    return [
        (fit(busiest.name, width - 7), inks.dim),
        (formatting.percent(busiest.cpu_percent).rjust(7), inks.text),
    ]


def _alert(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    """The badge; with room, the sentence."""
    worst = view.worst_alert
    if worst is None:
        return [(" " * width, inks.text)]
    tint = inks.dim if worst.acknowledged else inks.severity(worst.severity.value)
    count = f"{glyphs.alert}{len(view.alerts) if len(view.alerts) > 1 else ''}"
    if width < 12:
        return [(count.ljust(width)[:width], tint)]
    return [(fit(f"{count.ljust(3)}{worst.text}", width), tint)]


def _workers(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    """`▶4`, and `■2` where as many need a person; `?4` as last seen."""
    found: dict[str, int] = {}
    for group in view.worker_groups:
        sign = "bad" if group.bad else "unseen" if group.word == UNSEEN else "running"
        found[sign] = found.get(sign, 0) + len(group.views)
    pieces: list[Piece] = []
    for sign in ("running", "unseen", "bad"):
        if sign in found:
            text = f"{glyphs.worker(sign)}{found[sign]}"
            pieces.append((f"{text} ", inks.worker(sign)))
    taken = sum(len(text) for text, _ in pieces)
    if taken > width + 1:  # what is wrong matters more than how much is not
        return [(fit(pieces[-1][0], width), pieces[-1][1])]
    return [*pieces, (" " * (width - taken), inks.text)]


def _age(view: NodeView, width: int, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    late = view.age_s is not None and view.age_s > 3.0
    return _figure(formatting.age(view.age_s), width, inks.warn if late else inks.dim)


NAME = "name"
COLUMNS: tuple[Column, ...] = (
    Column(NAME, "NODE", 8, _name, right=False, sort="name", descending=False),
    Column("state", "STATE", 10, _state, rank=7, right=False, sort="state", descending=False),
    Column("cpu_graph", "", 8, _cpu_graph, rank=6, right=False),
    Column("cpu", "CPU", 5, _cpu, sort="cpu"),
    Column("load", "LOAD", 5, _load, rank=8, sort="load"),
    Column("mem", "MEM", 5, _memory, sort="mem"),
    Column("mem_amount", "", 12, _memory_amount, rank=10, sort="mem"),
    Column("gpus", "GPU", 8, _gpus, rank=2, right=False, sort="gpu"),
    Column("gpu_graph", "", 8, _gpu_graph, rank=11, right=False),
    Column("gpu", "GPU%", 5, _gpu_mean, rank=9, sort="gpu"),
    Column("gpu_mem", "VRAM", 5, _gpu_memory, rank=8, sort="gpumem"),
    Column("temp", "TEMP", 4, _temperature, rank=3, sort="temp"),
    Column("power", "POWER", 6, _power, rank=9, sort="power"),
    Column("disk_bar", "", 6, _disk_bar, rank=10, right=False),
    Column("disk", "DISK", 5, _disk, sort="disk"),
    Column("full_in", "FULL IN", 7, _full_in, rank=5),
    Column("records", "RECORDS", 7, _records, rank=3, sort="records"),
    Column("rate", "RATE", 8, _rate, rank=4),
    Column("workers", "WORK", 6, _workers, rank=2, right=False, sort="workers"),
    Column("top", "TOP PROCESS", 18, _top, rank=12, right=False),
    Column("alert", "ALERT", 4, _alert, rank=1, right=False, sort="alerts", grows=True),
    Column("age", "AGE", 6, _age),
)  # fmt: skip


def fitting(
    width: int, name_width: int, gpus: int, wanted: Collection[str] = ()
) -> tuple[Column, ...]:
    """The columns that fit into `width` cells, one blank between them, with their widths.

    `wanted` are the keys of those to choose from; name and age are always there. Empty: all.
    """
    kept = [
        replace(c, width=name_width) if c.key == NAME else c
        for c in COLUMNS
        if (gpus or not _of_gpus(c)) and (not wanted or c.key in (NAME, "age", *wanted))
    ]
    while _taken(kept) > width and any(column.rank for column in kept):
        kept.remove(max(kept, key=lambda column: column.rank))
    spare = max(0, width - _taken(kept))
    wish = 0 if not gpus else min(40, 5 * gpus) - 8
    if spare > 30 + wish > 30:
        kept = [replace(c, width=c.width + wish) if c.key == "gpus" else c for c in kept]
        spare -= wish
    return tuple(replace(c, width=c.width + spare) if c.grows else c for c in kept)


def _of_gpus(column: Column) -> bool:
    return column.key in ("gpus", "gpu_graph", "gpu", "gpu_mem", "temp", "power")


def _taken(columns: Sequence[Column]) -> int:
    return sum(column.width + 1 for column in columns)
