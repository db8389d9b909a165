"""One node as a pane: which facts get how many lines, and the frame around them."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from console import formatting
from console.ui.glyphs import Glyphs
from console.ui.lines import Pen
from console.ui.node_view import NodeView
from console.ui.paint import Inks, Piece, fit, strip
from console.ui.widgets import pane_lines, pane_lists, pane_workers
from console.ui.widgets.pane_lines import Lines

Section = Callable[[NodeView, Pen, int], Lines]

# Who gets the next line, again and again, until nobody wants one.
_GROWTH = (
    "top", "gpu", "data", "disks", "cpu", "top", "data", "workers", "disks", "gpu", "top", "cpu",
    "data", "top", "workers", "disks", "gpu", "top", "cpu", "data", "top", "top", "workers", "top",
    "cpu", "gpu", "top",
)  # fmt: skip
_TALLEST = 12  # lines of a graph
_ORDER: tuple[tuple[str, Section], ...] = (
    ("cpu", pane_lines.cpu),
    ("memory", pane_lines.memory),
    ("gpu", pane_lines.gpu),
    ("disks", pane_lines.disks),
    ("data", pane_lists.data),
    ("workers", pane_workers.workers),
    ("top", pane_lists.top),
)


def draw_pane(
    view: NodeView,
    width: int,
    height: int,
    inks: Inks,
    glyphs: Glyphs,
    *,
    current: bool = False,
    marked: bool = False,
) -> list[Strip]:
    """`height` lines of `width` cells."""
    frame = inks.border_focus if current else inks.border
    pen = Pen(width - 4, inks, glyphs)
    body = _body(view, pen, height - 2)
    side = glyphs.upright
    lines = [_top(view, width, inks, glyphs, frame, marked, current)]
    for index in range(height - 2):
        inner = strip(body[index], width - 4, inks.text) if index < len(body) else None
        middle = inner or strip([], width - 4, inks.text)
        left = strip([(f"{side} ", frame)], 2, frame)
        lines.append(Strip.join([left, middle, strip([(f" {side}", frame)], 2, frame)]))
    lines.append(_bottom(view, width, inks, glyphs, frame))
    return lines


def _body(view: NodeView, pen: Pen, room: int) -> Lines:
    if not view.sighted:
        left = pane_workers.last_seen(view, pen)
        return [*pane_lines.trouble(view, pen, room - len(left)), *left]
    shares = allocate(view, room)
    lines: Lines = []
    for name, section in _ORDER:
        if not shares.get(name):
            continue
        if name == "cpu" and not shares.get("memory"):
            section = pane_lines.cpu_and_memory
        lines += section(view, pen, shares[name])
    return lines


def allocate(view: NodeView, room: int) -> dict[str, int]:
    """Lines for each section. What a node has not (GPUs, data) takes none."""
    wanted = {
        "cpu": _TALLEST,
        "memory": 1,
        "gpu": 0 if not (view.gpus or view.gpu_fault) else 1 if view.gpu_fault else _TALLEST,
        "disks": len(view.disks),
        "data": len(view.data),
        "workers": len(view.worker_groups),
        "top": len(view.processes),
    }
    shares = dict.fromkeys(wanted, 0)
    for name in ("cpu", "gpu", "disks", "data", "workers", "top", "memory", *_GROWTH):
        if room > 0 and shares[name] < wanted[name]:
            shares[name] += 1
            room -= 1
    for name in ("cpu", "gpu") * _TALLEST:  # what nobody wants makes the graphs taller
        if room > 0 and shares[name] < wanted[name]:
            shares[name] += 1
            room -= 1
    return shares


def _top(
    view: NodeView,
    width: int,
    inks: Inks,
    glyphs: Glyphs,
    frame: Style,
    marked: bool,
    current: bool,
) -> Strip:
    mark = f"{glyphs.marked} " if marked else ""
    fixed = 9 + len(mark)  # corners, lines, blanks and the state's sign
    facts = [fact for fact in _facts(view, glyphs) if fact]
    apart = f" {glyphs.middot} "
    name = fit(view.name, min(cell_len(view.name), width - fixed - 8))
    while len(facts) > 1 and cell_len(name) + len(apart.join(facts)) > width - fixed:
        facts.pop(0)
    tail = fit(apart.join(facts), min(len(apart.join(facts)), width - fixed - cell_len(name)))
    state = inks.state(view.state)
    fill = max(0, width - fixed - cell_len(name) - cell_len(tail))
    pieces: list[Piece] = [
        (glyphs.corners[0] + glyphs.line + " ", frame),
        (mark, inks.accent),
        (glyphs.state(view.state) + " ", state),
        (name, inks.border_focus if current else inks.strong),
        (" " + glyphs.line * fill + " ", frame),
        (tail, inks.dim if view.state == "up" else state),
        (" " + glyphs.corners[1], frame),
    ]
    return strip(pieces, width, frame)


def _facts(view: NodeView, glyphs: Glyphs) -> list[str]:
    """The least important first: that goes when there is no room."""
    age = formatting.age(view.age_s)
    if not view.sighted:
        return [f"{view.state} {age}"]
    up = f"up {formatting.age(view.uptime_s)}" if view.state == "up" else view.state
    if view.state == "up" and view.uptime_s is None:
        up = "up"
    twin = f"same machine as {view.node.same_as}" if view.node.same_as else ""
    return [view.gpu_word, twin, up, f"{age:>5}"]


def _bottom(view: NodeView, width: int, inks: Inks, glyphs: Glyphs, frame: Style) -> Strip:
    worst = view.worst_alert
    left, right = glyphs.corners[2], glyphs.corners[3]
    if worst is None or not view.sighted:
        return strip([(left + glyphs.line * (width - 2) + right, frame)], width, frame)
    more = f" +{len(view.alerts) - 1}" if len(view.alerts) > 1 else ""
    text = fit(worst.text, min(cell_len(worst.text), width - 8 - len(more)))
    tint = inks.dim if worst.acknowledged else inks.severity(worst.severity.value)
    fill = max(0, width - 7 - cell_len(text) - len(more))
    pieces: list[Piece] = [
        (f"{left}{glyphs.line} ", frame),
        (f"{glyphs.alert} {text}{more} ", tint),
        (glyphs.line * fill + right, frame),
    ]
    return strip(pieces, width, frame)
