"""The GPUs of a scripted machine."""

from __future__ import annotations

from console.demo.machines import Machine, Trouble, machine
from console.demo.noise import around, fraction, identifier
from console.demo.processes import scripts
from workers.protocol import Gpu, GpuProcess, GpuReport


def gpus(index: int, t: float, gone: frozenset[int] = frozenset()) -> GpuReport:
    this = machine(index)
    if not this.gpus:
        return GpuReport()
    if this.trouble is Trouble.GPU_HUNG:
        return GpuReport(
            driver="570.86.15",
            fault=f"GPU driver not answering since {(754 + max(0, int(t))) // 60} min",
            age_s=754.0 + max(0.0, t),
        )
    found = tuple(_gpu(this, index, number, t, gone) for number in range(len(this.gpus)))
    return GpuReport(found, driver="570.86.15", age_s=0.3)


def _gpu(this: Machine, index: int, number: int, t: float, gone: frozenset[int]) -> Gpu:
    kind, key = this.gpus[number], index * 16 + number
    uuid = f"GPU-{identifier(key, 'gpu')}"
    if this.trouble is Trouble.GPU_LOST and number == 2:
        return Gpu(
            number, uuid, kind.name, fault="GPU is lost: fell off the bus", lost=True, xid=79
        )
    held = [s for s in scripts(index) if s.gpu_index == number and s.pid not in gone]
    share = _share(this, index, number) if held else 0.0
    busy = min(100.0, around(share, 3.5 if share > 3 else 0.0, key, "gpu", t))
    hot = this.trouble is Trouble.GPU_HOT and number in (1, 4)
    heat = 34 + 37 * busy / 100 + 4 * fraction(key, "heat") + (23 if hot else 0)
    used = 500_000_000 + sum(s.gpu_memory_bytes or 0 for s in held)
    return Gpu(
        gpu_index=number,
        uuid=uuid,
        name=kind.name,
        utilization_percent=round(busy),
        memory_used_bytes=min(used, kind.memory_bytes),
        memory_total_bytes=kind.memory_bytes,
        temperature_c=round(around(heat, 1.2, key, "temperature", t)),
        power_w=round(kind.power_limit_w * (0.12 + 0.8 * busy / 100), 1),
        power_limit_w=kind.power_limit_w,
        sm_clock_mhz=int(kind.sm_clock_mhz * (0.72 if hot else 0.98 if busy > 5 else 0.15)),
        memory_clock_mhz=kind.memory_clock_mhz if busy > 5 else 405,
        fan_percent=(100.0 if hot else round(30 + busy * 0.4)) if kind.has_fan else None,
        throttle_reasons=("hardware thermal slowdown",) if hot else (),
        ecc_corrected=None if kind.has_fan else int(3 * fraction(key, "ecc")),
        ecc_uncorrected=None if kind.has_fan else 0,
        processes=tuple(GpuProcess(s.pid, s.gpu_memory_bytes) for s in held),
    )


def _share(this: Machine, index: int, number: int) -> float:
    """The utilisation a GPU of this machine has on average."""
    if this.trouble in (Trouble.DISK_FULL, Trouble.STALE_DATA):
        return 0.0
    if this.trouble is Trouble.GPU_IDLE and number == len(this.gpus) - 1:
        return 0.0
    return 96.0 if this.work == "train" else 70.0 + 26.0 * fraction(index, number, "share")
