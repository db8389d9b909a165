"""The line that names a node, and the lines that say why there is nothing to show of it."""

from __future__ import annotations

from console.fleet.alerts import Alert
from console.fleet.model import Attention, Connecting, Down, Node, ProblemKind, Stale, Up
from console.formatting import age, memory
from console.ui.lines import Line, Pen, heading, words
from console.ui.paint import fit


def title(node: Node, now: float, pen: Pen) -> Line:
    """`● gpu-1  up 6 h │ 4×NVIDIA H100 80GB HBM3 │ 96 cores │ 512 GiB │ Ubuntu 24.04`."""
    inks, glyphs = pen.inks, pen.glyphs
    apart = (f" {glyphs.bar} ", inks.faint)
    pieces: Line = [
        (f" {glyphs.state(node.state)} ", inks.state(node.state)),
        (fit(node.name, min(24, len(node.name))), inks.strong),
        (f"  {node.state} {_since(node, now)}", inks.state(node.state)),
    ]
    for fact in _facts(node, glyphs.times):
        pieces += [apart, (fit(fact, len(fact)), inks.dim)]
    return pieces


def _since(node: Node, now: float) -> str:
    """Of a node that is up: how long the machine runs; of others: how long they are so."""
    uptime_s = node.sample.host.uptime_s if node.sample else None
    return age(uptime_s if isinstance(node.link, Up) else now - node.link.since)


def _facts(node: Node, times: str) -> list[str]:
    facts = []
    names = [gpu.name for gpu in node.gpu.gpus]
    if names:
        facts.append(f"{len(names)}{times}{names[0].removeprefix('NVIDIA ')}")
    hello = node.hello
    if hello is not None:
        facts += [f"{hello.cores} cores", memory(hello.memory_bytes), hello.system]
        if hello.hostname != node.name:
            facts.append(hello.hostname)
    if node.round_trip_s is not None and isinstance(node.link, Up):
        facts.append(f"{node.round_trip_s * 1000:.0f} ms away")
    return facts


def age_line(node: Node, now: float) -> str:
    """How old the figures are, where they are not of now; empty where they are."""
    if node.sample_at is None or isinstance(node.link, Up):
        return ""
    return f"figures of {age(now - node.sample_at)} ago: {node.reason}"


def absence(node: Node, now: float, pen: Pen) -> list[Line]:
    """Why there are no figures, and what a person can do."""
    inks, link = pen.inks, node.link
    lines: list[Line] = [[]]
    if isinstance(link, (Connecting, Up, Stale)):
        lines += words(
            pen, f"{node.state}: {node.reason or 'waiting for the first sample'}", inks.text, 2
        )
        return lines
    problem = link.problem if isinstance(link, (Down, Attention)) else None
    if problem is None:
        return [*lines, *words(pen, node.reason, inks.text, 2)]
    lines += [[("  ", inks.text), (problem.kind.value, inks.bad_strong)], []]
    lines += words(pen, problem.text, inks.text, 2)
    if problem.remedy:
        lines += [[], *words(pen, problem.remedy, inks.good, 2)]
    keys = [("d", "says more")]
    if problem.kind is ProblemKind.HOST_KEY_UNKNOWN:
        keys.insert(0, ("T", "compares and trusts the key"))
    else:
        keys.append(("Ctrl-R", "tries again"))
    lines.append([])
    for key, does in keys:
        lines.append([("  ", inks.text), (key, inks.key), (f" {does}", inks.dim)])
    if isinstance(link, Down) and link.retry_at is not None:
        again = f"tried again in {age(max(0.0, link.retry_at - now))}, attempt {link.attempt}"
        lines.append([("  ", inks.text), (again, inks.dim)])
    return lines


def alert_lines(
    alerts: tuple[Alert, ...], now: float, pen: Pen, *, brief: bool = False
) -> list[Line]:
    """The alerts of the node, worst first, each in a sentence; `brief`: a line each, cut where it ends."""
    if not alerts:
        return []
    lines = [heading(pen, "Alerts", f"{len(alerts)}")]
    for alert in alerts:
        tint = pen.inks.severity(alert.severity.value)
        if alert.acknowledged or alert.suspended:
            tint = pen.inks.dim
        said = f"{_said(alert)}, since {age(now - alert.since)}"
        if brief:
            lines.append(
                [(f" {_sign(alert, pen)} ", tint), (fit(said, max(4, pen.width - 4)), tint)]
            )
            continue
        first, *rest = words(pen, said, tint, 3)
        lines += [[(f" {_sign(alert, pen)} ", tint), *first[1:]], *rest]
    return lines


def _sign(alert: Alert, pen: Pen) -> str:
    return pen.glyphs.good if alert.acknowledged else pen.glyphs.alert


def _said(alert: Alert) -> str:
    said = alert.text + (" (acknowledged)" if alert.acknowledged else "")
    return said + (" (cannot be seen now)" if alert.suspended else "")
