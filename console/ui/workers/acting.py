"""What is done to some workers, as its dialog shows it: to which, by what exactly, how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from console.fleet.workers import WorkerView
from console.fleet.workers.words import command_line
from console.ui.lines import Line, Pen, words
from console.ui.paint import fit
from console.ui.workers.acts import exactly
from console.ui.workers.alive import Alive, Key
from console.ui.workers.state import kill_in_s, state_ink, state_text

_NAME, _STATE = 26, 19
_TREE = 4  # lines of processes of one worker; all of them where it is the only one
_COMMAND = 6


@dataclass
class Acting:
    """`batch`: of a restart, so many at a time; 0 is all at once. `failures` are by the worker's key."""

    act: str
    batch: int = 0
    instead: bool = False  # those that cannot drain are stopped
    going: bool = False
    failures: dict[Key, str] = field(default_factory=dict)


def undrainable(views: Sequence[WorkerView]) -> list[WorkerView]:
    return [view for view in views if not view.record.drain]


def act_lines(acting: Acting, views: Sequence[WorkerView], alive: Alive, pen: Pen) -> list[Line]:
    """The whole sheet of the dialog."""
    inks = pen.inks
    signals = tuple(dict.fromkeys(alive.stop_signals.values()))
    graces = [view.record.grace_s for view in views]
    said = exactly(acting.act, signals, (min(graces), max(graces)) if graces else None)
    lines: list[Line] = [[], *words(pen, said, inks.text, 1)]
    if acting.act == "drain" and undrainable(views):
        lines += _about_undrainable(acting, views, pen)
    if acting.batch:
        said = (
            f"{acting.batch} at a time: the next when these run well again, none after a failure."
        )
        lines += words(pen, said, inks.key, 1)
    lines.append([])
    for view in views:
        lines += _worker(acting, view, alive, pen, len(views) == 1)
    nodes = list(dict.fromkeys(view.node for view in views))
    where = f"on {len(nodes)} node{'s'[: len(nodes) != 1]}: {', '.join(nodes)}"
    return [*lines, [], *words(pen, where, inks.text, 1)]


def _about_undrainable(acting: Acting, views: Sequence[WorkerView], pen: Pen) -> list[Line]:
    count = len(undrainable(views))
    who = (
        "It does" if len(views) == 1 else f"{count} of them do" if count < len(views) else "They do"
    )
    what = "is stopped" if count == 1 else "are stopped"
    offer = f"What cannot drain {what} instead." if acting.instead else "x stops instead."
    said = f"{who} not know how to drain: no `drain: true` in the preset. {offer}"
    return words(pen, said, pen.inks.key if acting.instead else pen.inks.warn, 1)


def _worker(acting: Acting, view: WorkerView, alive: Alive, pen: Pen, alone: bool) -> list[Line]:
    inks, fault = pen.inks, acting.failures.get(view.key)
    said, tint = (fault, inks.bad) if fault else (_progress(view), inks.dim)
    room = max(4, pen.width - _NAME - _STATE - 2)
    head: Line = [
        (" ", inks.text),
        (fit(f"{view.name}@{view.node}", _NAME - 1) + " ", inks.strong),
        (fit(state_text(view, pen.glyphs), _STATE), state_ink(view, inks)),
    ]
    lines: list[Line] = [[*head, (fit(said, room), tint)]]
    if len(said) > room:
        lines = [head, *words(pen, said, tint, 3)]
    command = command_line(view.record.command)
    if alone:
        lines += words(pen, command, inks.strong, 3)[:_COMMAND]
    elif not acting.going:
        lines.append([("   ", inks.dim), (fit(command, pen.width - 4), inks.dim)])
    return lines + _tree(acting, view, alive, pen, alone)


def _tree(acting: Acting, view: WorkerView, alive: Alive, pen: Pen, alone: bool) -> list[Line]:
    """The processes that are still there, by number and command."""
    if not view.live or not (acting.going or alone):
        return []
    tree = alive.processes.get(view.key, ())
    shown = tree if alone else tree[:_TREE]
    lines: list[Line] = [
        [(f"   {pen.glyphs.middot} ", pen.inks.faint), (fit(one, pen.width - 6), pen.inks.dim)]
        for one in shown
    ]
    if len(shown) < len(tree):
        lines.append([(f"     and {len(tree) - len(shown)} more", pen.inks.dim)])
    return lines


def _progress(view: WorkerView) -> str:
    """How far it is, and how much is still alive."""
    record = view.record
    if not view.reachable:
        return f"{view.node} does not answer"
    if record.kill_pending:
        return "; ".join(record.kill_pending)
    if not view.live:
        return f"{record.leftovers} left of it" if record.leftovers else ""
    count = record.processes
    alive = "" if count is None else f"{count} process{'es'[: 2 * (count != 1)]}"
    left_s = kill_in_s(record)
    if left_s is None:
        pid = "" if record.pid is None else f"pid {record.pid}"
        return ", ".join(word for word in (pid, alive) if word)
    return f"{alive or 'still'} alive, killed in {ceil(left_s)} s"
