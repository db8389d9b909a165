"""What a scripted machine would report at a moment: pure functions of its number and of time.

`t` is in seconds since the demo began and may be negative (its past); `epoch` is the wall clock at 0.
"""

from __future__ import annotations

from console.demo import data
from console.demo.gpus import gpus
from console.demo.host import disks, host
from console.demo.machines import Trouble, machine
from console.demo.noise import identifier
from console.demo.processes import Script, measured, scripts
from workers.protocol import PROTOCOL_VERSION, DatasetReport, Heartbeat, Hello, Process, Sample

SKEW_S = 94.0


def wall(index: int, t: float, epoch: float) -> float:
    """The wall clock of the machine, wrong where that is its trouble."""
    return epoch + t + (SKEW_S if machine(index).trouble is Trouble.CLOCK_SKEW else 0.0)


def boottime(index: int, t: float) -> float:
    return machine(index).uptime_days * 86_400 + t


def boot_id(index: int) -> str:
    return identifier(index, "boot")


def hello(index: int, t: float = 0.0, epoch: float = 0.0) -> Hello:
    this = machine(index)
    user = "root" if "rented" in this.tags else "mara"
    return Hello(
        protocol=PROTOCOL_VERSION,
        agent="",
        node_key=identifier(index, "node").replace("-", ""),
        hostname=this.hostname,
        boot_id=boot_id(index),
        pid_namespace=4_026_531_836,
        pid=90_000 + index % 9_000,
        user=user,
        uid=0 if user == "root" else 1000,
        home="/root" if user == "root" else f"/home/{user}",
        clock=wall(index, t, epoch),
        boottime=boottime(index, t),
        cores=this.cores,
        python="3.12.3" if index % 3 else "3.10.12",
        system="Ubuntu 24.04.1 LTS" if index % 3 else "Ubuntu 22.04.5 LTS",
        kernel="6.8.0-51-generic" if index % 3 else "5.15.0-130-generic",
        architecture=this.architecture,
        cpu_model=this.cpu_model,
        memory_bytes=this.memory_bytes,
        state_directory=f"{'/root' if user == 'root' else '/home/' + user}/.local/state/quarterdeck",
        capabilities=("nvml", "pidfd") if this.gpus else ("pidfd",),
    )


def heartbeat(index: int, t: float, epoch: float, sequence: int) -> Heartbeat:
    return Heartbeat(sequence, wall(index, t, epoch), boottime(index, t))


def sample(
    index: int,
    t: float = 0.0,
    epoch: float = 0.0,
    *,
    sequence: int = 0,
    top: int = 8,
    full: bool = False,
    gone: frozenset[int] = frozenset(),
) -> Sample:
    """One reading; `gone` are the processes that were ended by hand."""
    return Sample(
        sequence=sequence,
        clock=wall(index, t, epoch),
        boottime=boottime(index, t),
        host=host(index, t, full=full, gone=gone),
        disks=disks(index, t),
        gpu=gpus(index, t, gone),
        top=busiest(index, t, epoch, top, gone),
    )


def busiest(
    index: int, t: float, epoch: float, top: int, gone: frozenset[int]
) -> tuple[Process, ...]:
    alive = [s for s in scripts(index) if s.pid not in gone]
    busy = sorted(alive, key=_by_cpu)[: (top + 1) // 2]
    large = sorted((s for s in alive if s not in busy), key=_by_memory)[: top // 2]
    now = wall(index, t, epoch)
    found = [measured(index, script, t, now) for script in (*busy, *large)]
    return tuple(sorted(found, key=lambda p: (-(p.cpu_percent or 0.0), p.pid)))


def _by_cpu(script: Script) -> tuple[float, int]:
    return (-script.cpu, script.pid)


def _by_memory(script: Script) -> tuple[int, int]:
    return (-script.memory_bytes, script.pid)


def datasets(index: int, t: float = 0.0, epoch: float = 0.0) -> DatasetReport:
    now = wall(index, t, epoch)
    return DatasetReport(now, data.counts(index, t, now))
