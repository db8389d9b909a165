"""The Overview tab: the whole node on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

from console.fleet.alerts import Alert
from console.fleet.history import NodeHistory
from console.fleet.model import Node
from console.fleet.workers.view import WorkerView
from console.formatting import MISSING, age, memory
from console.ui.lines import Line, Pen, beside, heading
from console.ui.node.gpus import gpu_block, gpu_lines
from console.ui.node.host import core_lines, cpu_block, memory_block, system_block
from console.ui.node.storage import dataset_lines, disk_lines
from console.ui.node.title import alert_lines
from console.ui.node.worker_lines import worker_lines
from console.ui.paint import fit
from workers.protocol import Process

TWO_COLUMNS, THREE_COLUMNS = 110, 150
GRAPH, GRAPH_NARROW, GRAPH_MOST = 6, 3, 14  # lines
LOW = 30  # lines; below it an alert takes one


def overview(
    node: Node,
    history: NodeHistory,
    alerts: tuple[Alert, ...],
    now: float,
    clock: float,
    pen: Pen,
    height: int,
    workers: Sequence[WorkerView] = (),
) -> list[Line]:
    """Alerts, CPU, memory, GPUs, workers, disks, data and the busiest processes; side by side where there is room.

    The graphs grow where `height` lines leave room for it.
    """
    if node.sample is None:
        return []
    wide = pen.width >= TWO_COLUMNS
    least = GRAPH if wide else GRAPH_NARROW
    rest = [*_workers(workers, pen), *_rest(node, history, now, clock, pen)]
    above = alert_lines(alerts, now, pen, brief=len(alerts) > 1 and height < LOW)
    graphs = _graphs(node, history, pen, least)
    spare = height - len(above) - len(graphs) - len(rest)
    if wide and spare > 0:
        graphs = _graphs(node, history, pen, min(GRAPH_MOST, least + spare))
    return [*above, *graphs, *rest]


def _workers(workers: Sequence[WorkerView], pen: Pen) -> list[Line]:
    lines = worker_lines(workers, pen)
    return [*lines, []] if lines and pen.width >= TWO_COLUMNS else lines


def _graphs(node: Node, history: NodeHistory, pen: Pen, height: int) -> list[Line]:
    """CPU and memory beside each other, and the GPUs where there is room for a third."""
    assert node.sample is not None
    ink = pen.inks.text
    columns = 3 if pen.width >= THREE_COLUMNS and node.gpu.gpus else 2
    each = (pen.width - 2 * (columns - 1)) // columns
    column = pen.narrow(each)
    cpu, held = (
        cpu_block(node, history, column, height),
        memory_block(node, history, column, height),
    )
    cores = core_lines(node.sample.host, column if pen.width >= TWO_COLUMNS else pen)
    if pen.width < TWO_COLUMNS:
        return [*beside(cpu, held, each, ink), *cores]
    right = (
        held if columns == 2 else beside(held, gpu_block(node, history, column, height), each, ink)
    )
    return [*beside([*cpu, *cores], right, each, ink), []]


def _rest(node: Node, history: NodeHistory, now: float, clock: float, pen: Pen) -> list[Line]:
    assert node.sample is not None
    if pen.width >= TWO_COLUMNS:
        half = (pen.width - 2) // 2
        column = pen.narrow(half)
        left = [*gpu_lines(node.gpu, column), [], *_storage(node, history, now, column)]
        right = [*system_block(node.sample, node, column), [], *_notices(node, column)]
        lower = beside(left, right, half, pen.inks.text)
        return [*lower, [], *_processes(node.sample.top, clock, pen)]
    return [
        *gpu_lines(node.gpu, pen),
        *_storage(node, history, now, pen),
        *_processes(node.sample.top, clock, pen),
        *system_block(node.sample, node, pen),
        *_notices(node, pen),
    ]


def _storage(node: Node, history: NodeHistory, now: float, pen: Pen) -> list[Line]:
    assert node.sample is not None
    lines = disk_lines(node.sample.disks, history, pen)
    if node.spec.expected_datasets or node.datasets is not None:
        lines += dataset_lines(node, history, now, pen)
    return lines


def _processes(top: tuple[Process, ...], clock: float, pen: Pen) -> list[Line]:
    inks = pen.inks
    lines = [heading(pen, "Busiest processes")]
    for process in top:
        cpu = MISSING if process.cpu_percent is None else f"{process.cpu_percent:.0f} %"
        since = MISSING if process.started_at is None else age(clock - process.started_at)
        lines.append([
            (f"{process.pid:>8} ", inks.dim), (fit(process.user, 9), inks.dim), (f"{cpu:>8} ", inks.text),
            (f"{memory(process.memory_bytes):>9} ", inks.text), (f"{since:>6} ", inks.dim),
            (fit(process.command or process.name, max(4, pen.width - 44)), inks.text),
        ])  # fmt: skip
    return lines


def _notices(node: Node, pen: Pen) -> list[Line]:
    said = [*(node.hello.warnings if node.hello else ()), *(notice.text for notice in node.notices)]
    if not said:
        return []
    inks = pen.inks
    return [heading(pen, "Said by the agent"), *([(" ", inks.dim), (fit(t, pen.width - 2), inks.dim)] for t in said[-4:])]  # fmt: skip
