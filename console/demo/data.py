"""The datasets of a scripted machine: they climb at the rate of its work."""

from __future__ import annotations

from functools import lru_cache

from console.demo.machines import Machine, machine
from console.demo.noise import fraction, wander
from workers.protocol import DatasetCount

_STALE_FOR_S = 3.4 * 3600


def counts(index: int, t: float, now: float) -> tuple[DatasetCount, ...]:
    """All counts at `t`; `now` is the wall clock there."""
    this = machine(index)
    return tuple(_dataset(this, index, entry, t, now) for entry in this.data)


def _dataset(
    this: Machine, index: int, entry: tuple[str, int, int], t: float, now: float
) -> DatasetCount:
    name, records, rate = entry
    records = max(0, records + int(rate * t / 3600 + 0.4 * wander(index, name, t)))
    each = 2_150 if "square19" in name else 1_380
    late = 9.0 + 30.0 * fraction(index, name, int(t // 20)) if rate else _STALE_FOR_S + t
    torn = this.name in ("vast-1", "gpu-3") and name == "hex8_2p"
    return DatasetCount(
        name=name,
        files=max(1, records // 512),
        records=records,
        bytes=records * each,
        newest_at=round(now - late, 1),
        unreadable_files=3 if torn else 0,
        unreadable=tuple(f"data/selfplay/{name}/open/{n}.jsonl" for n in (118, 131, 207))
        if torn
        else (),
        faults=(f"data/selfplay/{name}/open/118.jsonl: last line torn after 1,022 bytes",)
        if torn
        else (),
        shards=_shards(this, name),
        shards_listed=name == "hex8_2p" and this.work in ("store", "evaluate"),
    )


@lru_cache(maxsize=64)
def _shards(this: Machine, name: str) -> tuple[str, ...]:
    """The workstation keeps a copy of shards that the storage machine has: totals count them once."""
    if name != "hex8_2p" or this.work not in ("store", "evaluate"):
        return ()
    count = 1_739 if this.work == "store" else 303
    return tuple(f"{int(fraction('shard', n) * 2**48):012x}:512" for n in range(count))
