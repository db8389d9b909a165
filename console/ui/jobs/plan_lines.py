"""A plan in lines: what stands against it first, then what it does node by node, and what it never does."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from console.formatting import count, size
from console.ui.lines import Line, Pen, words
from console.ui.paint import fit

if TYPE_CHECKING:
    from console.operations.jobs import HostShare, JobPlan

_NAME, _FILES, _SIZE = 14, 13, 9


def plan_lines(plan: JobPlan, pen: Pen) -> list[Line]:
    """The whole plan. What is refused or warned of does not scroll out of sight: it stands at the top."""
    inks, glyphs = pen.inks, pen.glyphs
    lines: list[Line] = []
    for refusal in plan.refusals:
        lines += words(pen, f"{glyphs.down} {refusal}", inks.bad, 1)
    if plan.does:
        lines += words(pen, plan.does, inks.text, 1)
    if plan.hosts:
        lines += words(pen, _whole(plan), inks.strong, 1)
    for warning in plan.warnings:
        lines += words(pen, f"{glyphs.notice} {warning}", inks.warn, 1)
    for one in plan.never:
        lines += words(pen, f"{glyphs.good} never: {one}", inks.good, 1)
    problems = [share for share in plan.hosts if share.problem is not None]
    shares = [share for share in plan.hosts if share.problem is None]
    lines.append([])
    for share in (*problems, *shares):
        lines += _share(share, pen)
    return [*lines, [], *_itself(plan, pen)]


def _whole(plan: JobPlan) -> str:
    """`1,204 files, 3.1 GB of 3 nodes, to nas; 1 node with a problem`"""
    well = sum(share.problem is None for share in plan.hosts)
    bad = len(plan.hosts) - well
    parts = []
    if plan.files is not None and plan.hosts:
        parts.append(f"{count(plan.files)} file{'s'[: plan.files != 1]}")
    if plan.bytes is not None and plan.hosts:
        parts.append(size(plan.bytes))
    said = f"{', '.join(parts)} on " if parts else ""
    said += f"{well} node{'s'[: well != 1]}"
    return said + (f"; {bad} with a problem, left out" if bad else "")


def _share(share: HostShare, pen: Pen) -> list[Line]:
    """One node: what is done there, how much it is, and by exactly which commands."""
    inks, glyphs = pen.inks, pen.glyphs
    if share.problem is not None:
        head: Line = [(f" {glyphs.down} ", inks.bad), (fit(share.name, _NAME) + " ", inks.strong)]
        first, *rest = words(pen, share.problem, inks.bad, _NAME + 4)
        return [[*head, *first[1:]], *rest]
    files = "" if share.files is None else f"{count(share.files)} file{'s'[: share.files != 1]}"
    amount = f"{files:>{_FILES}} {'' if share.bytes is None else size(share.bytes):>{_SIZE}}  "
    taken = _NAME + 4 + len(amount)
    first, *rest = words(pen, share.does, inks.text, taken)
    lines: list[Line] = [
        [(f" {glyphs.running} ", inks.good), (fit(share.name, _NAME) + " ", inks.strong),
         (amount, inks.text), *first[1:]],
        *rest,
    ]  # fmt: skip
    for note in share.notes:
        lines += words(pen, note, inks.warn, 3)
    for argv in share.commands:
        lines += words(pen, f"$ {shlex.join(argv)}", inks.dim, 3)
    return lines


def _itself(plan: JobPlan, pen: Pen) -> list[Line]:
    """Where the job itself runs, and as what."""
    said = f"runs on {plan.node} and goes on without this console; its log and its nodes: screen 3"
    lines = words(pen, said, pen.inks.dim, 1)
    lines += words(pen, f"$ {shlex.join(plan.spec.command)}", pen.inks.dim, 3)
    if plan.spec.singleton:
        lines += words(pen, f"one at a time: {plan.spec.singleton}", pen.inks.dim, 1)
    return lines
