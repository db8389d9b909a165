"""CPU, memory, network and disks of a scripted machine."""

from __future__ import annotations

from console.demo.machines import GIB, Machine, Trouble, machine
from console.demo.noise import around, fraction
from console.demo.processes import scripts
from workers.protocol import DeviceRate, Disk, Host, Memory, NetworkRate, Pressure


def host(index: int, t: float, *, full: bool, gone: frozenset[int]) -> Host:
    this = machine(index)
    ended = sum(s.cpu for s in scripts(index) if s.pid in gone) / 100.0
    busy = max(0.0, this.load * this.cores - ended)
    wanted = around(busy, busy * 0.06 + 0.1, index, "load", t)
    cpu = min(100.0, 100.0 * around(busy, busy * 0.1 + 0.3, index, "cpu", t) / this.cores)
    used = _memory_used(this, index, t, gone)
    return Host(
        cpu_percent=round(cpu, 1),
        core_percents=_cores(this, index, t, cpu) if full else (),
        user_percent=round(cpu * 0.9, 1),
        system_percent=round(cpu * 0.08, 1),
        iowait_percent=round(around(0.4, 0.4, index, "iowait", t), 1),
        steal_percent=round(around(2.0, 2.0, index, "steal", t), 1)
        if "rented" in this.tags
        else 0.0,
        load=tuple(round(wanted * part, 2) for part in (1.0, 0.99, 0.96)),
        memory=_memory(this, used),
        pressure=_pressure(this, index, t),
        network=_network(index, t),
        devices=_devices(this, index, t) if full else (),
        uptime_s=this.uptime_days * 86_400 + t,
        users=("mara", "jun")[: index % 3],
        process_count=len(scripts(index)) - len(gone),
    )


def _memory_used(this: Machine, index: int, t: float, gone: frozenset[int]) -> int:
    processes = sum(s.memory_bytes for s in scripts(index) if s.pid not in gone)
    wandering = around(0.03, 0.01, index, "memory", t) * this.memory_bytes
    return min(int(processes + wandering), int(this.memory_bytes * 0.968))


def _memory(this: Machine, used: int) -> Memory:
    swap = 8 * GIB
    return Memory(
        total_bytes=this.memory_bytes,
        used_bytes=used,
        available_bytes=this.memory_bytes - used,
        cached_bytes=int((this.memory_bytes - used) * 0.6),
        swap_total_bytes=swap,
        swap_used_bytes=int(swap * 0.83) if this.trouble is Trouble.MEMORY else 0,
    )


def _cores(this: Machine, index: int, t: float, cpu: float) -> tuple[float, ...]:
    spread = 40.0 if 10 < cpu < 95 else 6.0
    return tuple(
        round(min(100.0, around(cpu, spread, index * 1000 + core, "core", t)), 1)
        for core in range(this.cores)
    )


def _pressure(this: Machine, index: int, t: float) -> Pressure:
    cpu = 61.0 if this.trouble is Trouble.CONTENTION else 2.0 * this.load
    memory = 24.0 if this.trouble is Trouble.MEMORY else 0.0
    return Pressure(
        cpu_some=round(around(cpu, cpu * 0.1, index, "psi", t), 2),
        memory_some=round(around(memory, memory * 0.1, index, "psi-memory", t), 2),
        memory_full=round(memory * 0.6, 2),
        io_some=round(around(0.5, 0.5, index, "psi-io", t), 2),
        io_full=0.0,
    )


def _network(index: int, t: float) -> tuple[NetworkRate, ...]:
    into = 60e6 if machine(index).work == "store" else 2.4e6
    return (
        NetworkRate(
            "eno1",
            round(around(into, into * 0.5, index, "in", t)),
            round(around(1.1e6, 0.9e6, index, "out", t)),
        ),
    )


def _devices(this: Machine, index: int, t: float) -> tuple[DeviceRate, ...]:
    return tuple(
        DeviceRate(
            volume.device,
            round(around(3e6, 3e6, index, volume.device + "r", t)),
            round(around(volume.grows_bytes_per_h / 3600, 2e6, index, volume.device + "w", t)),
            round(around(4.0 + 9.0 * place, 3.0, index, volume.device + "b", t), 1),
        )
        for place, volume in enumerate(this.volumes)
    )


def disks(index: int, t: float) -> tuple[Disk, ...]:
    found = []
    for volume in machine(index).volumes:
        used = volume.used * volume.total_bytes + volume.grows_bytes_per_h * t / 3600
        used = min(int(used), volume.total_bytes)
        inodes = volume.total_bytes // 16_384
        found.append(
            Disk(
                path=volume.path,
                device=f"/dev/{volume.device}" if "/" not in volume.device else volume.device,
                file_system=volume.file_system,
                total_bytes=volume.total_bytes,
                used_bytes=used,
                available_bytes=volume.total_bytes - used,
                inodes_total=inodes,
                inodes_used=int(inodes * (0.02 + 0.05 * fraction(index, volume.path))),
            )
        )
    return tuple(found)
