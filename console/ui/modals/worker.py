"""All about one worker: how it stands, what it runs, its metrics, its processes, and what happened to it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.errors import QuarterdeckError
from console.fleet.workers import WorkerView
from console.fleet.workers.words import command_line
from console.formatting import MISSING, age, memory, percent, size
from console.ui.lines import Line, Pen, heading, words
from console.ui.modals.dialog import Dialog
from console.ui.paint import fit
from console.ui.widgets.graph import graph, readings_wanted
from console.ui.workers.columns import fraction, rate, state_ink, state_text
from workers.protocol import MetricSeries, WorkerDetails

EVERY_S = 2.0
_LABEL = 12
_EVENTS = 40


class WorkerModal(Dialog[None]):
    """Asks the node again every EVERY_S while it is open."""

    DEFAULT_CSS = "WorkerModal > #box { width: 110; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "logs", "Logs", show=False),
        Binding("x", "act('stop')", "Stop", show=False),
        Binding("X", "act('kill')", "Kill", show=False),
        Binding("r", "act('restart')", "Restart", show=False),
        Binding("D", "act('drain')", "Drain", show=False),
        Binding("F", "forget", "Forget", show=False),
    ]

    def __init__(self, view: WorkerView) -> None:
        super().__init__()
        self._view = view
        self._details: WorkerDetails | None = None
        self._failure = ""
        self.title_text = f"{view.record.name} on {view.node}"
        self.keys = (("l", "logs"), ("x X", "stop, kill"), ("r", "restart"), ("D", "drain"),
                     ("F", "forget"), ("Esc", "leaves"))  # fmt: skip

    def on_mount(self) -> None:
        if self.console_app.read_only:
            self.keys = (("l", "logs"), ("Esc", "leaves"))
        self.run_worker(self._keep_asking(), exclusive=True)
        self.set_interval(1.0, self._look)

    async def _keep_asking(self) -> None:
        while True:
            try:
                self._details = await self.runtime.workers.describe(self._view.key)
                self._failure = ""
            except QuarterdeckError as error:
                self._failure = str(error)
            if self.is_attached:
                self.redraw()
            await asyncio.sleep(EVERY_S)

    def _look(self) -> None:
        for view in self.runtime.store.workers():
            if view.key == self._view.key:
                self._view = view
        self.redraw()

    # ------------------------------------------------------------ keys

    def action_logs(self) -> None:
        self.dismiss(None)
        self.console_app.open_logs([self._view])

    def action_act(self, act: str) -> None:
        if self.console_app.read_only:
            return
        if self._view.accepts(act):
            self.console_app.ask_act([self._view], act)
        else:
            self.complain(f"{act} does not apply to one that is {self._view.record.state}")

    def action_forget(self) -> None:
        if self.console_app.read_only:
            return
        if self._view.live:
            self.complain("it lives: a run is forgotten when it is over")
        else:
            self.run_worker(self._forget())

    async def _forget(self) -> None:
        try:
            await self.runtime.workers.forget(self._view.key)
        except QuarterdeckError as error:
            self.complain(str(error))
            return
        self.console_app.say(f"{self._view.record.name} on {self._view.node} is forgotten")
        self.dismiss(None)

    # ------------------------------------------------------------ lines

    def lines(self, pen: Pen) -> list[Line]:
        inks, view = pen.inks, self._view
        state = (f" {state_text(view, pen.glyphs)}  ", state_ink(view, inks))
        lines: list[Line] = [[], [state, (fit(view.sentence, pen.width - 26), inks.text)], []]
        lines += _facts(view, pen)
        if self._details is not None:
            lines += _more(self._details, pen)
        elif not self._failure:
            lines += [[], [(" asking the node for more…", inks.dim)]]
        if self._failure:
            lines += [[], *words(pen, self._failure, inks.bad, 1)]
        return lines


def _facts(view: WorkerView, pen: Pen) -> list[Line]:
    record = view.record
    lines = _fact(pen, "command", command_line(record.command))
    wanted = f"{record.desired}, is {record.state}"
    if record.flags:
        wanted += f" ({', '.join(flag.replace('_', ' ') for flag in record.flags)})"
    if record.by:
        wanted += f", asked by {record.by}"
    lines += _fact(pen, "wanted", wanted)
    lines += _fact(
        pen, "run", f"{record.run_id}, attempt {record.attempt}, {record.restarts} restarts"
    )
    if record.pid is not None:
        tree = MISSING if record.processes is None else str(record.processes)
        used = f"pid {record.pid}, {tree} processes, CPU {percent(record.cpu_percent)}, {memory(record.memory_bytes)}"
        if record.gpu_memory_bytes is not None:
            used += f", GPU {memory(record.gpu_memory_bytes)}"
        lines += _fact(pen, "uses", used)
    if record.gpu_indices:
        lines += _fact(pen, "GPUs", ", ".join(map(str, record.gpu_indices)))
    progress = record.progress
    if progress is not None:
        share = fraction(view)
        said = f"{rate(view.per_minute)} {progress.unit or 'units'}/min"
        if share is not None:
            said = f"{100 * share:.1f} %, {said}"
        if view.eta_s is not None:
            said += f", done in {age(view.eta_s)}"
        lines += _fact(pen, "progress", f"{said}  {progress.phase} {progress.message}".rstrip())
    grown = "never" if record.log_age_s is None else f"{age(record.log_age_s)} ago"
    lines += _fact(pen, "log", f"{size(record.log_bytes)}, last grew {grown}")
    lines += _fact(pen, "last line", record.last_line)
    for warning in record.warnings:
        lines += [[(" ", pen.inks.text), (fit(warning, pen.width - 2), pen.inks.warn)]]
    return lines


def _more(details: WorkerDetails, pen: Pen) -> list[Line]:
    spec = details.spec
    lines = _fact(pen, "directory", spec.directory)
    lines += _fact(pen, "run folder", details.directory)
    names = [variable.name for variable in spec.environment] + [
        f"{secret.name} (from the node)" for secret in spec.secrets
    ]
    lines += _fact(pen, "environment", ", ".join(names))
    rule = spec.restart
    if rule.policy != "never":
        said = f"{rule.policy}, {rule.max_restarts} in {age(rule.window_s)} at most"
        lines += _fact(pen, "restarts", said)
    for series in details.metrics:
        lines += _metric(series, pen)
    if details.processes:
        lines += [[], heading(pen, "Processes", str(len(details.processes)))]
        for process in details.processes[:_EVENTS]:
            lines.append([(" ", pen.inks.text), (fit(process, pen.width - 2), pen.inks.text)])
    lines += [[], heading(pen, "What happened", str(len(details.events)))]
    for event in reversed(details.events[-_EVENTS:]):
        at = datetime.fromtimestamp(event.clock).strftime("%m-%d %H:%M:%S")
        first, *rest = words(pen, event.text, pen.inks.text, 17)
        lines += [[(f" {at}  ", pen.inks.dim), *first[1:]], *rest]
    return lines


def _metric(series: MetricSeries, pen: Pen) -> list[Line]:
    """A sparkline between its own lowest and highest value, and the last one."""
    width = max(8, pen.width - _LABEL - 34)
    values = list(series.values)[-readings_wanted(width, pen.glyphs) :]
    if not values:
        return []
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    scaled: list[float | None] = [8.0 + 92.0 * (value - low) / span for value in values]
    missing = readings_wanted(width, pen.glyphs) - len(scaled)
    drawn = graph([*([None] * missing), *scaled], 1, pen.glyphs)[0]
    step = f"step {series.steps[-1]:g}" if series.steps else ""
    return [
        [
            (fit(f" {series.name}", _LABEL + 8), pen.inks.dim),
            (drawn, pen.inks.primary),
            (f" {values[-1]:.4g}", pen.inks.strong),
            (f"  {step}", pen.inks.dim),
        ]
    ]


def _fact(pen: Pen, label: str, value: str) -> list[Line]:
    if not value:
        return []
    first, *rest = words(pen, value, pen.inks.text, _LABEL + 1)
    return [[(f" {label:<{_LABEL}}", pen.inks.dim), *first[1:]], *rest]
