"""The plan of a start in lines: how many, where, by exactly which commands, and what stands against it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from console.operations.workers import PlannedStart, StartPlan
from console.ui.lines import Line, Pen, words
from console.ui.workers.columns import ranges


def plan_lines(plan: StartPlan, asking: bool, pen: Pen) -> list[Line]:
    """What is refused stands first: it does not scroll out of sight."""
    inks = pen.inks
    good = [start for start in plan.starts if start.ok and not plan.against]
    nodes = list(dict.fromkeys(start.node for start in good))
    lines: list[Line] = []
    for refusal in plan.refusals:
        lines += words(pen, f"{pen.glyphs.down} {refusal}", inks.bad, 1)
    for warning in plan.warnings:
        lines += words(pen, f"{pen.glyphs.notice} {warning}", inks.warn, 1)
    lines += words(pen, _says(len(good), len(plan.starts), nodes), inks.text, 1)
    if asking:
        lines += words(pen, "asking the nodes what stands against it…", inks.dim, 1)
    return lines + _commands(good or plan.starts, inks.strong if good else inks.dim, pen)


def _says(good: int, all_: int, nodes: list[str]) -> str:
    if not good:
        return "nothing can be started; it would be"
    where = f"on {len(nodes)} node{'s'[: len(nodes) != 1]}: {', '.join(nodes)}"
    refused = f"; {all_ - good} refused" if good < all_ else ""
    return f"starts {good} worker{'s'[: good != 1]} {where}{refused}"


def _commands(starts: Sequence[PlannedStart], ink: Style, pen: Pen) -> list[Line]:
    """Each command once, with the runs that it is for."""
    commands: dict[str, list[PlannedStart]] = {}
    for start in starts:
        commands.setdefault(start.shown, []).append(start)
    lines: list[Line] = []
    for command, runs in commands.items():
        lines += words(pen, command, ink, 3)
        lines += words(pen, "as " + "; ".join(_named(runs)), pen.inks.dim, 3)
    return lines


def _named(runs: list[PlannedStart]) -> list[str]:
    """`play-1, play-2 on gpu-1, GPU 0-1`"""
    nodes: dict[str, list[PlannedStart]] = {}
    for run in runs:
        nodes.setdefault(run.node, []).append(run)
    return [
        f"{', '.join(run.spec.name for run in there)} on {node}{_gpus(there)}"
        for node, there in nodes.items()
    ]


def _gpus(runs: list[PlannedStart]) -> str:
    indices = {index for run in runs for index in run.gpu_indices}
    return f" (GPU {ranges(indices)})" if indices else ""
