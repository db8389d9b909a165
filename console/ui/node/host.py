"""CPU, memory, pressure and network of a node."""

from __future__ import annotations

from console.fleet.history import NodeHistory, Ring, memory_percent
from console.fleet.model import Node
from console.formatting import MISSING, age, memory, percent, rate
from console.ui.lines import Line, Pen, heading, length, meter
from console.ui.paint import fit
from console.ui.widgets.graph import coloured, heat_cell
from workers.protocol import Host, Sample

CORE_COLUMNS = 64


def cpu_block(node: Node, history: NodeHistory, pen: Pen, height: int) -> list[Line]:
    """A graph of the CPU and where its time goes."""
    assert node.sample is not None
    host, inks = node.sample.host, pen.inks
    lines = [heading(pen, "CPU", percent(host.cpu_percent))]
    lines += coloured(history.cpu, pen.width - 1, height, inks.work, pen.glyphs)
    parts = (("user", host.user_percent), ("system", host.system_percent),
             ("iowait", host.iowait_percent), ("steal", host.steal_percent))  # fmt: skip
    line: Line = [(" ", inks.dim)]
    for name, value in parts:
        if value is not None and length(line) + len(name) + 8 <= pen.width:
            line += [(f"{name} ", inks.dim), (f"{percent(value):>5}  ", inks.text)]
    return [*lines, line]


def graph_lines(history: Ring, pen: Pen, height: int, *, heat: bool = False) -> list[Line]:
    """A history across the pen's width."""
    pick = pen.inks.heat if heat else pen.inks.level
    rows = coloured(history, pen.width - 2, height, pick, pen.glyphs)
    return [[(" ", pen.inks.text), *row] for row in rows]


def core_lines(host: Host, pen: Pen) -> list[Line]:
    """A cell for each core; nothing where they are not known."""
    wide = min(CORE_COLUMNS, pen.width - 8)
    lines: list[Line] = []
    for start in range(0, len(host.core_percents), max(8, wide)):
        row = host.core_percents[start : start + max(8, wide)]
        line: Line = [(f"{' cores' if start == 0 else '':<7}", pen.inks.dim)]
        line += [(heat_cell(value, pen.glyphs), pen.inks.heat(value)) for value in row]
        lines.append(line)
    return lines


def load_line(node: Node, pen: Pen) -> Line:
    """Load beside the number of cores, red where it is far above."""
    assert node.sample is not None
    load, inks = node.sample.host.load, pen.inks
    cores = node.hello.cores if node.hello else None
    tint = inks.text
    if load and cores and load[0] > 1.5 * cores:
        tint = inks.bad
    shown = "  ".join(f"{value:.1f}" for value in load) if load else MISSING
    return [(" load       ", inks.dim), (shown, tint), (f"  on {cores or MISSING} cores", inks.dim)]


def memory_block(node: Node, history: NodeHistory, pen: Pen, height: int) -> list[Line]:
    """A graph of the memory in use; bars of memory and swap."""
    assert node.sample is not None
    held, inks = node.sample.host.memory, pen.inks
    lines = [heading(pen, "Memory", percent(memory_percent(node.sample)))]
    lines += coloured(history.memory, pen.width - 1, height, inks.level, pen.glyphs)
    lines.append(_held("used", held.used_bytes, held.total_bytes, pen))
    lines.append(_held("swap", held.swap_used_bytes, held.swap_total_bytes, pen))
    return lines


def _held(name: str, used: int | None, total: int | None, pen: Pen) -> Line:
    inks = pen.inks
    if not total:
        return [(f" {name} ", inks.dim), ("none" if total == 0 else MISSING, inks.dim)]
    fraction = None if used is None else used / total
    wide = max(4, min(28, pen.width - 27))
    tint = inks.level((fraction or 0.0) * 100)
    figures = f" {memory(used):>8} of {memory(total)}"
    return [(f" {name} ", inks.dim), *meter(pen, fraction, wide, tint), (figures, inks.text)]


def system_block(sample: Sample, node: Node, pen: Pen) -> list[Line]:
    """Load, pressure, network, devices, uptime, users, kernel."""
    host, inks = sample.host, pen.inks
    lines = [heading(pen, "System", f"up {age(host.uptime_s)}"), load_line(node, pen)]
    pressure = host.pressure
    if pressure is not None:
        shown = (
            ("cpu", pressure.cpu_some),
            ("memory", pressure.memory_some),
            ("io", pressure.io_some),
        )
        line: Line = [(" stall      ", inks.dim)]
        for name, value in shown:
            tint = inks.warn if (value or 0.0) > 20 else inks.text
            line += [(f"{name} ", inks.dim), (f"{percent(value):>4}  ", tint)]
        lines.append(line)
    for network in host.network[:3]:
        said = (
            f"in {rate(network.received_bytes_per_s):>9}  out {rate(network.sent_bytes_per_s):>9}"
        )
        lines.append([(" ", inks.dim), (fit(network.interface, 11), inks.dim), (said, inks.text)])
    for device in host.devices[:4]:
        said = f"rd {rate(device.read_bytes_per_s):>9}  wr  {rate(device.written_bytes_per_s):>9}"
        said += f"  busy {percent(device.busy_percent):>4}"
        lines.append([(" ", inks.dim), (fit(device.device, 11), inks.dim), (said, inks.text)])
    users = ", ".join(host.users) or "nobody logged in"
    lines.append([(" users      ", inks.dim), (fit(users, max(4, pen.width - 13)), inks.text)])
    if node.hello is not None:
        hello = node.hello
        said = f"{hello.kernel} {hello.architecture}, python {hello.python}, as {hello.user}"
        lines.append([(" system     ", inks.dim), (fit(said, max(4, pen.width - 13)), inks.text)])
        if hello.cpu_model:
            lines.append(
                [
                    (" cpu        ", inks.dim),
                    (fit(hello.cpu_model, max(4, pen.width - 13)), inks.text),
                ]
            )
    return lines
