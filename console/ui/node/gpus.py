"""The GPUs of a node, one line each or a panel each."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style

from console.fleet.history import NodeHistory, gpu_percent
from console.fleet.model import Node
from console.formatting import MISSING, age, memory, percent
from console.ui.lines import Line, Pen, beside, heading, meter, words
from console.ui.node.host import graph_lines
from console.ui.paint import Inks, fit
from workers.protocol import Gpu, GpuReport, Process

HOT_C = 85.0
WIDE = 120


def no_gpus(report: GpuReport, pen: Pen) -> list[Line] | None:
    """Why there is no GPU to show; None where there is one."""
    if report.gpus:
        return None
    if report.fault:
        return words(pen, f"{pen.glyphs.alert} {report.fault}", pen.inks.bad, 1)
    return [[(" no GPU here (no NVIDIA driver answers)", pen.inks.dim)]]


def gpu_lines(report: GpuReport, pen: Pen) -> list[Line]:
    """One line a GPU: utilisation, memory, temperature, power, and what is wrong."""
    lines = [heading(pen, "GPUs", _driver(report))]
    absent = no_gpus(report, pen)
    return lines + (absent if absent is not None else [_short(gpu, pen) for gpu in report.gpus])


def gpu_block(node: Node, history: NodeHistory, pen: Pen, height: int) -> list[Line]:
    """How much the GPUs worked on average, and how many of them work now."""
    gpus = node.gpu.gpus
    busy = sum((gpu.utilization_percent or 0.0) > 5 for gpu in gpus)
    power = sum(gpu.power_w or 0.0 for gpu in gpus)
    said = f" {busy} of {len(gpus)} busy, {_watts(power)}"
    return [
        heading(pen, "GPU", percent(gpu_percent(node.gpu))),
        *graph_lines(history.gpu, pen, height, heat=True),
        [(said, pen.inks.dim)],
    ]


def _driver(report: GpuReport) -> str:
    return f"driver {report.driver}" if report.driver else ""


def _short(gpu: Gpu, pen: Pen) -> Line:
    inks = pen.inks
    line: Line = [(f"{gpu.gpu_index:>2} ", inks.strong)]
    if gpu.fault:
        return [*line, (fit(f"{pen.glyphs.alert} {gpu.fault}", pen.width - 4), inks.bad)]
    wide = max(4, min(24, pen.width - 55))
    used, util = _share(gpu.memory_used_bytes, gpu.memory_total_bytes), gpu.utilization_percent
    line += meter(pen, None if util is None else util / 100, wide, inks.heat(util or 0.0))
    line += [(f" {percent(util):>5}  ", inks.text)]
    line += [(f"{memory(gpu.memory_used_bytes):>8}/{memory(gpu.memory_total_bytes):<8}", inks.text)]
    line += [(f" {percent(used):>5} ", inks.dim), _heat(gpu, pen)]
    line += [(f" {_watts(gpu.power_w):>6}", inks.text)]
    if gpu.throttle_reasons:
        line.append((fit(f" {pen.glyphs.alert} {gpu.throttle_reasons[0]}", 22), inks.warn))
    return line


def _heat(gpu: Gpu, pen: Pen) -> tuple[str, Style]:
    value = gpu.temperature_c
    hot = value is not None and value >= HOT_C
    shown = MISSING if value is None else f"{value:.0f} {pen.glyphs.degree}C"
    sign = pen.glyphs.alert if hot else " "
    return (f"{shown:>6}{sign}", pen.inks.bad if hot else pen.inks.text)


def _watts(value: float | None) -> str:
    return MISSING if value is None else f"{value:.0f} W"


def _share(used: int | None, total: int | None) -> float | None:
    return None if used is None or not total else 100.0 * used / total


# ---------------------------------------------------------------- the GPUs tab


def gpu_panels(report: GpuReport, names: Mapping[int, Process], pen: Pen) -> list[Line]:
    """Everything of every GPU; two beside each other where there is room. `names`: processes by pid."""
    absent = no_gpus(report, pen)
    if absent is not None:
        return [[], *absent]
    lines: list[Line] = []
    if report.age_s is not None and report.age_s > 5:
        lines += words(pen, f"readings of {age(report.age_s)} ago", pen.inks.warn, 1)
    if pen.width < WIDE or len(report.gpus) < 2:
        for gpu in report.gpus:
            lines += [*_panel(gpu, names, pen), []]
        return lines
    half = (pen.width - 2) // 2
    for left, right in zip(report.gpus[::2], (*report.gpus[1::2], None), strict=False):
        second = _panel(right, names, pen.narrow(half)) if right else []
        lines += beside(_panel(left, names, pen.narrow(half)), second, half, pen.inks.text)
        lines.append([])
    return lines


def _panel(gpu: Gpu, names: Mapping[int, Process], pen: Pen) -> list[Line]:
    inks = pen.inks
    lines = [heading(pen, f"{gpu.gpu_index}  {gpu.name or 'GPU'}", gpu.uuid[:12])]
    if gpu.fault:
        sign = pen.glyphs.alert
        lines += words(
            pen, f"{sign} {gpu.fault}" + (f" (Xid {gpu.xid})" if gpu.xid else ""), inks.bad, 1
        )
        return lines
    wide = max(6, min(32, pen.width - 45))
    util = gpu.utilization_percent
    used = _share(gpu.memory_used_bytes, gpu.memory_total_bytes)
    lines += [
        _bar("busy", util, percent(util), inks.heat(util or 0.0), wide, pen),
        _bar("memory", used, f"{memory(gpu.memory_used_bytes)} of {memory(gpu.memory_total_bytes)}",
             inks.level(used or 0.0), wide, pen),
        _bar("power", _share_of(gpu.power_w, gpu.power_limit_w),
             f"{_watts(gpu.power_w)} of {_watts(gpu.power_limit_w)}", inks.primary, wide, pen),
        [(" temp     ", inks.dim), _heat(gpu, pen), ("   fan ", inks.dim), (f"{percent(gpu.fan_percent):>5}", inks.text),
         ("   SM ", inks.dim), (_mhz(gpu.sm_clock_mhz), inks.text), ("   mem ", inks.dim), (_mhz(gpu.memory_clock_mhz), inks.text)],
        _errors(gpu, inks),
        _throttle(gpu, pen),
    ]  # fmt: skip
    return lines + _holders(gpu, names, pen)


def _bar(name: str, value: float | None, said: str, tint: Style, wide: int, pen: Pen) -> Line:
    fraction = None if value is None else value / 100
    return [
        (f" {name:<9}", pen.inks.dim),
        *meter(pen, fraction, wide, tint),
        (f"  {said}", pen.inks.text),
    ]


def _share_of(value: float | None, limit: float | None) -> float | None:
    return None if value is None or not limit else 100.0 * value / limit


def _mhz(value: int | None) -> str:
    return f"{MISSING if value is None else value:>5} MHz"


def _errors(gpu: Gpu, inks: Inks) -> Line:
    def said(value: int | None) -> str:
        return "n/a" if value is None else str(value)

    ecc = f"ECC {said(gpu.ecc_corrected)} corrected, {said(gpu.ecc_uncorrected)} not"
    if gpu.ecc_corrected is None and gpu.ecc_uncorrected is None:
        ecc = "ECC n/a"
    bad = bool(gpu.ecc_uncorrected) or gpu.xid is not None
    return [
        (" errors   ", inks.dim),
        (ecc, inks.bad if bad else inks.text),
        (f"   last Xid {gpu.xid}" if gpu.xid is not None else "   no Xid", inks.bad if gpu.xid is not None else inks.dim),
    ]  # fmt: skip


def _throttle(gpu: Gpu, pen: Pen) -> Line:
    if not gpu.throttle_reasons:
        return [(" slowed   ", pen.inks.dim), ("no", pen.inks.dim)]
    said = f"{pen.glyphs.alert} " + ", ".join(gpu.throttle_reasons)
    return [(" slowed   ", pen.inks.dim), (fit(said, max(4, pen.width - 11)), pen.inks.warn)]


def _holders(gpu: Gpu, names: Mapping[int, Process], pen: Pen) -> list[Line]:
    inks = pen.inks
    if not gpu.processes:
        return [[(" used by  ", inks.dim), ("nobody", inks.dim)]]
    lines: list[Line] = []
    for place, held in enumerate(sorted(gpu.processes, key=lambda p: -(p.memory_bytes or 0))):
        process = names.get(held.pid)
        who = f"{process.user}  {process.command}" if process else ""
        label = " used by  " if place == 0 else "          "
        lines.append([
            (label, inks.dim), (f"{held.pid:>8} ", inks.text), (f"{memory(held.memory_bytes):>9}  ", inks.text),
            (fit(who, max(4, pen.width - 31)), inks.dim),
        ])  # fmt: skip
    return lines
