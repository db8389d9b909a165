"""The workers inside a pane: copies told together, in one line or one a line."""

from __future__ import annotations

from console import formatting
from console.fleet.workers.groups import RUN, UNSEEN, WorkerGroup, group_words
from console.fleet.workers.words import per_minute
from console.ui.lines import Line, Pen
from console.ui.node_view import NodeView
from console.ui.paint import Piece, fit
from console.ui.widgets.pane_lines import Lines
from console.ui.widgets.pane_lists import flow

_SIGNS = {RUN: "running", "slow": "odd", UNSEEN: "unseen"}
_NAME = 18


def workers(view: NodeView, pen: Pen, height: int) -> Lines:
    """`▶ selfplay ×3 312/min`: as many groups as fit into one line, or one a line."""
    groups = view.worker_groups
    if height >= len(groups):
        return [group_line(group, pen) for group in groups]
    shown = [group_line(group, pen) for group in groups[: height - 1]]
    return [*shown, flow([group_line(group, pen) for group in groups[height - 1 :]], pen)]


def last_seen(view: NodeView, pen: Pen) -> Lines:
    """Of a node that cannot be seen now: what lived there when it was."""
    alive = [group for group in view.worker_groups if group.word == UNSEEN]
    if not alive:
        return []
    age_s = max(one.age_s for group in alive for one in group.views)
    number = sum(len(group.views) for group in alive)
    head: Line = [
        (
            fit(f"{number} workers as last seen {formatting.age(age_s)} ago", pen.width).rstrip(),
            pen.inks.warn,
        )
    ]
    return [head, flow([_name(group, pen) for group in alive], pen)]


def sign_of(group: WorkerGroup) -> str:
    """What glyph and colour tell: running, waiting, odd, bad or unseen."""
    return "bad" if group.bad else _SIGNS.get(group.word, "waiting")


def _name(group: WorkerGroup, pen: Pen) -> list[Piece]:
    copies = f" {pen.glyphs.times}{len(group.views)}" if len(group.views) > 1 else ""
    one = group.views[0].name if len(group.views) == 1 else group.stem
    sign = sign_of(group)
    return [
        (f"{pen.glyphs.worker(sign)} ", pen.inks.worker(sign)),
        (fit(one, min(_NAME, len(one))), pen.inks.dim),
        (copies, pen.inks.text),
    ]


def group_line(group: WorkerGroup, pen: Pen) -> list[Piece]:
    """Sign, name and copies, what is wrong, and how fast or how far it goes."""
    pieces = _name(group, pen)
    said = group_words(group)
    if said:
        room = max(8, pen.width - 24)
        ink = pen.inks.bad if group.bad else pen.inks.warn
        pieces.append((f" {fit(said, min(room, len(said)))}", ink))
    if group.word in (RUN, "slow"):
        pieces += _pace(group, pen)
    return pieces


def _pace(group: WorkerGroup, pen: Pen) -> list[Piece]:
    """Where the end of its work is known how far it is and for how long; else how fast it goes."""
    first = group.views[0]
    said = first.record.progress
    if len(group.views) == 1 and said is not None and said.total and said.done is not None:
        unit = f"{said.unit} " if said.unit else ""
        left = "" if first.eta_s is None else f" {formatting.age(first.eta_s)}"
        done = f"{formatting.short_count(said.done)}/{formatting.short_count(said.total)}"
        return [(f" {unit}", pen.inks.dim), (done, pen.inks.text), (left, pen.inks.dim)]
    rate = group.per_minute
    return [] if rate is None else [(f" {per_minute(rate)}/min", pen.inks.good)]
