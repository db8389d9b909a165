"""The menu behind `b`: a letter for each kind of job, a digit for each command of the settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType

from console.fleet.jobs import JobRow, Planned, job_rows
from console.fleet.jobs.words import HISTORY, RUNNING
from console.formatting import age
from console.ui.jobs.columns import when
from console.ui.jobs.menu import MENU, Group
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import Dialog
from console.ui.paint import fit

_TITLE, _STATE, _DOES = 16, 36, 36
_COMMANDS = 9


class JobsMenu(Dialog[None]):
    """A key opens the dialog with the plan of that job; nothing is started from here."""

    title_text = "Jobs"
    keys = (("a key", "shows the plan of that job"), ("Esc", "does nothing"))
    DEFAULT_CSS = "JobsMenu > #box { width: 120; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(group.key, f"choose('{group.kind}')", group.title, show=False) for group in MENU),
        *(Binding(str(n), f"command({n})", "Command", show=False) for n in range(1, _COMMANDS + 1)),
    ]

    def __init__(self, nodes: Sequence[str] = ()) -> None:
        """`nodes`: the marked ones, which alone the data then come from; none: as the settings say."""
        super().__init__()
        self._where = tuple(nodes)

    @property
    def _jobs(self) -> Sequence[Planned]:
        return self.console_app.known_jobs()

    def _of(self, kind: str) -> list[Planned]:
        return [job for job in self._jobs if job.kind == kind]

    # ------------------------------------------------------------ lines

    def lines(self, pen: Pen) -> list[Line]:
        rows = job_rows(self.runtime.store.workers(earlier=True))
        lines: list[Line] = [[]]
        lines += [self._group(group, rows, pen) for group in MENU]
        commands = self._of("command")[:_COMMANDS]
        if commands:
            lines.append([])
        for number, job in enumerate(commands, 1):
            lines.append(_entry(str(number), job.name, [job], rows, "a command of your own", pen))
        if not commands:
            lines.append([(" 1-9 your own commands: kind command in jobs.yaml", pen.inks.faint)])
        if self._where:
            said = f"only from the marked: {', '.join(self._where)}"
            lines += [[], *words(pen, said, pen.inks.key, 1)]
        return lines

    def _group(self, group: Group, rows: Sequence[JobRow], pen: Pen) -> Line:
        return _entry(group.key, group.title, self._of(group.kind), rows, group.does, pen)

    # ------------------------------------------------------------ keys

    def action_choose(self, kind: str) -> None:
        jobs = self._of(kind)
        if jobs:
            self._open(tuple(job.name for job in jobs))
        else:
            self.complain(f"no job of kind {kind} in jobs.yaml")

    def action_command(self, number: int) -> None:
        jobs = self._of("command")
        if number <= len(jobs):
            self._open((jobs[number - 1].name,))
        else:
            self.complain(f"there is no command {number}")

    def _open(self, names: Sequence[str]) -> None:
        self.dismiss(None)
        self.console_app.show_plan(names, self._where)


def _entry(
    key: str, title: str, jobs: Sequence[Planned], rows: Sequence[JobRow], does: str, pen: Pen
) -> Line:
    """`s  Sync    done 41 min ago, next in 14 min   brings data …`"""
    inks = pen.inks
    said, tint = _lately(jobs, rows, pen) if jobs else ("none in jobs.yaml", inks.faint)
    room = pen.width - _TITLE - _STATE - 6
    return [
        (f" {key} ", inks.key if jobs else inks.faint),
        (" " + fit(title, _TITLE), inks.strong if jobs else inks.faint),
        (fit(said, _STATE) + " ", tint),
        (fit(does, room) if room >= _DOES else "", inks.dim if jobs else inks.faint),
    ]


def _lately(jobs: Sequence[Planned], rows: Sequence[JobRow], pen: Pen) -> tuple[str, Style]:
    """How the newest run fared, and when the next begins."""
    names = {job.name for job in jobs}
    own = [row for row in rows if row.name in names]
    parts, tint = [], pen.inks.dim
    running = next((row for row in own if row.section == RUNNING), None)
    last = next((row for row in own if row.section == HISTORY), None)
    if running is not None:
        parts, tint = [f"runs for {when(running)}"], pen.inks.good
    elif last is not None:
        parts, tint = [f"{last.state} {when(last)}"], pen.inks.bad if last.bad else pen.inks.dim
    soon = [job.in_s for job in jobs if job.in_s is not None]
    if soon:
        parts.append(f"next in {age(min(soon))}")
    return ", ".join(parts) or "never run here", tint
