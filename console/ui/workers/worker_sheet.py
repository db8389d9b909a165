"""All about one worker in lines: facts, what it did lately, its metrics, its processes, and what happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from console.fleet.workers import WorkerView
from console.fleet.workers.words import command_line, per_minute
from console.formatting import MISSING, age, memory, percent, size
from console.ui.glyphs import Glyphs
from console.ui.lines import Line, Pen, heading, words
from console.ui.paint import fit
from console.ui.widgets.graph import graph, newest, readings_wanted
from console.ui.workers.columns import fraction, progress_words, ranges
from console.ui.workers.event_lines import event_lines
from console.ui.workers.state import state_ink, state_text
from workers.protocol import MetricSeries, WorkerDetails, WorkerRecord

_LABEL = 13
_MOST = 40  # lines of processes
_TAIL = 28  # cells after a sparkline


def worker_lines(view: WorkerView, details: WorkerDetails | None, pen: Pen) -> list[Line]:
    """What is known here first; what only its node knows follows when it has answered."""
    state, *said = words(pen, view.sentence, pen.inks.text, 21)
    head = fit(f" {state_text(view, pen.glyphs)}", 21)
    lines: list[Line] = [[], [(head, state_ink(view, pen.inks)), *state[1:]], *said, []]
    lines += _facts(view, pen)
    if details is not None:
        lines += _of_node(details, pen)
    lines += _lately(view, pen)
    if details is not None:
        lines += _metrics(details.metrics, pen)
        lines += _processes(details.processes, pen)
        lines += event_lines(details, pen)
    return lines


# ------------------------------------------------------------ facts


def _facts(view: WorkerView, pen: Pen) -> list[Line]:
    record = view.record
    lines = _fact(pen, "command", command_line(record.command))
    asked = f"{record.desired}{f', asked by {record.by}' if record.by else ''}"
    lines += _fact(pen, "wanted", f"{asked}; it is {record.state}{_flags(record)}")
    attempts = f"attempt {record.attempt}, {record.restarts} restart{'s'[: record.restarts != 1]}"
    lines += _fact(pen, "run", f"{record.run_id}, {attempts}")
    lines += _fact(pen, "uses", _uses(record))
    lines += _fact(pen, "progress", _progress(view))
    grown = "never grew" if record.log_age_s is None else f"last grew {age(record.log_age_s)} ago"
    lines += _fact(pen, "log", f"{size(record.log_bytes)}, {grown}")
    lines += _fact(pen, "last line", record.last_line)
    for warning in record.warnings:
        lines += _fact(pen, "warning", warning, warn=True)
    return lines


def _flags(record: WorkerRecord) -> str:
    return (
        f" ({', '.join(flag.replace('_', ' ') for flag in record.flags)})" if record.flags else ""
    )


def _uses(record: WorkerRecord) -> str:
    if record.pid is None:
        return f"GPU {ranges(record.gpu_indices)} while it runs" if record.gpu_indices else ""
    tree = MISSING if record.processes is None else str(record.processes)
    used = f"pid {record.pid}, processes {tree}, CPU {percent(record.cpu_percent)}, {memory(record.memory_bytes)}"
    if record.gpu_indices:
        used += f", GPU {ranges(record.gpu_indices)}"
    if record.gpu_memory_bytes is not None:
        used += f" with {memory(record.gpu_memory_bytes)}"
    return used


def _progress(view: WorkerView) -> str:
    share, parts = fraction(view), [progress_words(view)]
    if share is not None:
        parts.append(f"{100 * share:.1f} %")
    if view.per_minute is not None and view.live:
        parts.append(f"{per_minute(view.per_minute)} a minute")
    if view.usual_per_minute is not None and view.live:
        parts.append(f"usually {per_minute(view.usual_per_minute)}")
    if view.eta_s is not None:
        parts.append(f"done in {age(view.eta_s)}")
    return ", ".join(part for part in parts if part)


def _of_node(details: WorkerDetails, pen: Pen) -> list[Line]:
    spec = details.spec
    lines = _fact(pen, "directory", spec.directory)
    lines += _fact(pen, "run folder", details.directory)
    names = [variable.name for variable in spec.environment]
    names += [f"{secret.name} (read there)" for secret in spec.secrets]
    lines += _fact(pen, "environment", ", ".join(names))
    stop = f"SIG{spec.stop_signal}, killed after {age(spec.grace_s)}"
    lines += _fact(pen, "stop", f"{stop}{'; knows how to drain' if spec.drain else ''}")
    rule = spec.restart
    if rule.policy != "never":
        said = f"{rule.policy}, {rule.max_restarts} in {age(rule.window_s)} at most"
        lines += _fact(pen, "restart", said)
    return lines


def _fact(pen: Pen, label: str, value: str, warn: bool = False) -> list[Line]:
    if not value:
        return []
    inks = pen.inks
    first, *rest = words(pen, value, inks.warn if warn else inks.text, _LABEL + 1)
    return [[(f" {label:<{_LABEL}}", inks.dim), *first[1:]], *rest]


# ------------------------------------------------------------ curves


def _lately(view: WorkerView, pen: Pen) -> list[Line]:
    """What this console saw of it."""
    history, count = view.history, readings_wanted(_room(pen), pen.glyphs)
    curves = (
        ("per minute", history.per_minute, per_minute),
        ("CPU", history.cpu, percent),
        ("memory", history.memory, memory),
    )
    lines: list[Line] = []
    for label, readings, written in curves:
        values = newest(readings, count)
        known = [value for value in values if value is not None]
        if len(known) > 1:
            tail = f" {written(known[-1]):>8}"
            span = f"  {written(min(known))} to {written(max(known))}"
            lines.append(_curve(label, values, tail, span, pen))
    return [[], heading(pen, "Lately"), *lines] if lines else []


def _metrics(metrics: Sequence[MetricSeries], pen: Pen) -> list[Line]:
    count = readings_wanted(_room(pen), pen.glyphs)
    lines: list[Line] = []
    for series in metrics:
        values: list[float | None] = [*series.values[-count:]]
        if values:
            step = f"  step {series.steps[-1]:g}" if series.steps else ""
            last = f" {series.values[-1]:>8.4g}"
            lines.append(_curve(series.name, [None] * (count - len(values)) + values, last, step, pen))  # fmt: skip
    return [[], heading(pen, "Metrics", str(len(metrics))), *lines] if lines else []


def _room(pen: Pen) -> int:
    return max(8, pen.width - _LABEL - 1 - _TAIL)


def _curve(label: str, values: Sequence[float | None], last: str, after: str, pen: Pen) -> Line:
    return [
        (f" {fit(label, _LABEL - 1)} ", pen.inks.dim),
        (_drawn(values, pen.glyphs), pen.inks.primary),
        (last, pen.inks.strong),
        (fit(after, _TAIL - len(last)), pen.inks.dim),
    ]


def _drawn(values: Sequence[float | None], glyphs: Glyphs) -> str:
    """A sparkline between its own lowest and highest value."""
    halves = [
        v / 2 if v is not None and isfinite(v) else None for v in values
    ]  # of any two, no overflow
    known = [half for half in halves if half is not None]
    if not known:
        return " " * len(values)
    low, span = min(known), (max(known) - min(known)) or 1.0
    scaled = [None if half is None else 8.0 + 92.0 * ((half - low) / span) for half in halves]
    return graph(scaled, 1, glyphs)[0]


# ------------------------------------------------------------ processes


def _processes(processes: Sequence[str], pen: Pen) -> list[Line]:
    if not processes:
        return []
    lines: list[Line] = [[], heading(pen, "Processes", str(len(processes)))]
    for process in processes[:_MOST]:
        lines.append([(" ", pen.inks.text), (fit(process, pen.width - 2), pen.inks.text)])
    if len(processes) > _MOST:
        lines.append([(f" and {len(processes) - _MOST} more", pen.inks.dim)])
    return lines
