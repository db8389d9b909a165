"""How a scripted job goes node by node: two at a time, each with its files, its pace and its own trouble."""

from __future__ import annotations

from typing import NamedTuple

from console.demo.machines import machine_named
from console.demo.noise import around, fraction
from workers.protocol import ProgressPart

AT_ONCE = 2
_BYTES_A_SECOND = 84e6
_FILE_BYTES, _RECORD_BYTES = 1.9e6, 1_380.0
_TRIED_S = 12.0  # before a node is given up


class Leg(NamedTuple):
    """One node's share. Times are seconds since the job began; `fault` is why it is not done."""

    node: str
    files: int
    bytes: int
    begins_s: float
    ends_s: float
    unit: str = "file"
    fault: str = ""


def legs(
    sources: tuple[str, ...], each: float, unit: str = "file", faults: dict[str, str] | None = None
) -> tuple[Leg, ...]:
    """A plan of `each` bytes a node on average, one after another on two lanes."""
    lanes = [1.5] * AT_ONCE
    found = []
    for name in sources:
        lane = min(range(AT_ONCE), key=lanes.__getitem__)
        fault = (faults or {}).get(name, "")
        size = int(each * (0.3 + 1.4 * fraction(name, "leg", each)))
        pace = _BYTES_A_SECOND * (0.5 + fraction(name, "pace"))
        ends = lanes[lane] + (_TRIED_S if fault else max(2.0, size / pace))
        files = max(1, int(size / (_RECORD_BYTES if unit == "record" else _FILE_BYTES)))
        found.append(Leg(name, files, size, lanes[lane], ends, unit, fault))
        lanes[lane] = ends
    return tuple(found)


def lasts_s(plan: tuple[Leg, ...]) -> float:
    """Until the last node is through."""
    return max((leg.ends_s for leg in plan), default=2.0) + 1.0


def parts(plan: tuple[Leg, ...], elapsed_s: float, over: bool) -> tuple[ProgressPart, ...]:
    """Each node as it is so long after the job began; where it is `over`, what was not begun is skipped."""
    return tuple(_part(leg, elapsed_s, over) for leg in plan)


def _part(leg: Leg, now_s: float, over: bool) -> ProgressPart:
    blank = ProgressPart(leg.node, "waiting", 0, leg.files, leg.unit, 0, leg.bytes)
    if now_s < leg.begins_s:
        return blank._replace(state="skipped" if over else "waiting")
    if now_s >= leg.ends_s:
        if leg.fault:
            return blank._replace(state="failed", message=leg.fault, bytes_total=None)
        return blank._replace(state="done", done=leg.files, bytes=leg.bytes, message=_done(leg))
    if leg.fault:
        return blank._replace(state="running", message="connecting, try 2 of 3")
    share = (now_s - leg.begins_s) / (leg.ends_s - leg.begins_s)
    pace = around(leg.bytes / (leg.ends_s - leg.begins_s), 4e6, leg.files, "rate", now_s)
    said = f"data/selfplay/{_dataset(leg.node)}/shard-{int(leg.files * share):05}.jsonl"
    return blank._replace(
        state="partial" if over else "running", done=int(leg.files * share), bytes=int(leg.bytes * share),
        rate_bytes_s=pace, eta_s=leg.ends_s - now_s, message="cancelled" if over else said,
    )  # fmt: skip


def _done(leg: Leg) -> str:
    return "each file's hash was checked" if leg.unit == "file" else "merged"


def _dataset(name: str) -> str:
    found = machine_named(name)
    return found.data[0][0] if found and found.data else "hex8_2p"
