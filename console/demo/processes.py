"""The processes of a scripted machine."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from console.demo.machines import GIB, Machine, Trouble, machine
from console.demo.noise import around, fraction
from workers.protocol import Process, ProcessDetails

TICKS_PER_S = 100
MIB = 1024**2


class Script(NamedTuple):
    """One process before it is measured: `cpu` is percent of one core."""

    pid: int
    parent_pid: int
    name: str
    command: str
    user: str
    cpu: float
    memory_bytes: int
    gpu_memory_bytes: int | None = None
    gpu_index: int | None = None
    threads: int = 1
    age_s: float = 0.0  # before the demo began


_KERNEL = ("kthreadd", "rcu_sched", "ksoftirqd/0", "kworker/u128:3-events", "migration/0", "kswapd0",
           "khugepaged", "nvme-wq", "jbd2/nvme0n1p2", "kcompactd0", "irq/131-nvidia", "watchdogd")  # fmt: skip
_DAEMONS = (
    ("systemd-journal", "/lib/systemd/systemd-journald", "root", 0.4, 48),
    ("systemd-udevd", "/lib/systemd/systemd-udevd", "root", 0.0, 9),
    ("systemd-resolve", "/lib/systemd/systemd-resolved", "systemd-resolve", 0.1, 12),
    ("dbus-daemon", "@dbus-daemon --system --address=systemd: --nofork --nopidfile", "messagebus", 0.0, 5),
    ("cron", "/usr/sbin/cron -f -P", "root", 0.0, 3),
    ("rsyslogd", "/usr/sbin/rsyslogd -n -iNONE", "syslog", 0.1, 7),
    ("chronyd", "/usr/sbin/chronyd -F 1", "_chrony", 0.0, 4),
    ("nvidia-persiste", "/usr/bin/nvidia-persistenced --user nvidia-persistenced", "nvidia", 0.0, 3),
    ("containerd", "/usr/bin/containerd", "root", 0.6, 61),
    ("dockerd", "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock", "root", 0.4, 94),
    ("node_exporter", "/usr/local/bin/node_exporter --collector.nfs", "prometheus", 0.7, 28),
    ("unattended-upgr", "/usr/bin/python3 /usr/share/unattended-upgrades/unattended-upgrade-shutdown", "root", 0.0, 21),
)  # fmt: skip
_HOSTILE = (
    ("[/x]", "[/x] [bold red]not markup[/] [@click=app.quit]press me[/]"),
    ("\x1b[31mred", "\x1b[31m\x1b[2Jclears the screen\x1b]52;c;cm0gLXJm\x07"),
    ("gnp.\u202etxt.exe", "/opt/gnp.\u202etxt.exe --really\nsecond line\ttabbed"),
)


@lru_cache(maxsize=2048)
def scripts(index: int) -> tuple[Script, ...]:
    """Every process of this machine that the demo begins with."""
    this = machine(index)
    found = [Script(1, 0, "systemd", "/sbin/init", "root", 0.0, 13 * MIB, threads=1)]
    found += [Script(2 + i, 0 if i == 0 else 2, name, f"[{name}]", "root", 0.0, 0)
              for i, name in enumerate(_KERNEL)]  # fmt: skip
    for i, (name, command, user, cpu, mib) in enumerate(_DAEMONS):
        found.append(
            Script(410 + 37 * i, 1, name, command, user, cpu, mib * MIB, threads=1 + i % 7)
        )
    sshd = 1_204
    found.append(
        Script(sshd, 1, "sshd", "sshd: /usr/sbin/sshd -D [listener]", "root", 0.0, 9 * MIB)
    )
    found += _people(index, sshd)
    found += _work(index, this)
    found += _trouble(index, this)
    age = this.uptime_days * 86_400
    return tuple(
        s._replace(
            age_s=s.age_s or age * (1.0 if s.pid < 2_000 else 0.05 + 0.6 * fraction(index, s.pid))
        )
        for s in found
    )


def _people(index: int, sshd: int) -> list[Script]:
    user = ("mara", "jun", "ubuntu", "root")[index % 4]
    base = 2_310 + 11 * index % 900
    return [
        Script(base, sshd, "sshd", f"sshd: {user}@pts/0", user, 0.0, 8 * MIB),
        Script(base + 1, base, "bash", "-bash", user, 0.0, 6 * MIB),
        Script(base + 9, base + 1, "tmux: server", "tmux new -s train", user, 0.1, 14 * MIB),
        Script(base + 10, base + 9, "bash", "-bash", user, 0.0, 6 * MIB),
        Script(base + 31, base + 10, "htop", "htop -d 20", user, 1.9, 9 * MIB),
    ]


def _work(index: int, this: Machine) -> list[Script]:
    base = 48_112 + 613 * index % 9_000
    if this.work == "selfplay":
        return _selfplay(base, this)
    if this.work == "train":
        return _train(base, this)
    if this.work == "evaluate":
        command = "python -m arena.gauntlet --a ckpt/1840000.pt --b ckpt/1790000.pt --games 400"
        return [Script(base, 1, "python", command, "mara", 214.0, 6 * GIB, 9 * GIB, 0, 21)]
    if this.work == "store":
        return [
            Script(
                base, 1, "rsyncd", "/usr/bin/rsync --daemon --no-detach", "backup", 22.0, 30 * MIB
            ),
            Script(base + 4, 1, "smbd", "/usr/sbin/smbd --foreground", "root", 3.0, 60 * MIB),
        ]
    return []


def _selfplay(base: int, this: Machine) -> list[Script]:
    parent = Script(base, 1, "python", "python -m selfplay.run --board hex8 --players 2 --out ~/run/data",
                    "mara", 4.0, 900 * MIB, threads=9)  # fmt: skip
    children = max(3, min(12, this.cores // 8))
    stalled = this.trouble in (Trouble.DISK_FULL, Trouble.GPU_HUNG, Trouble.STALE_DATA)
    each = 0.4 if stalled else min(this.load, 1.0) * this.cores * 100.0 / children
    held = 300 * MIB if stalled else 5 * GIB
    found = [parent]
    for child in range(children):
        gpu = child % len(this.gpus) if this.gpus else None
        idle = this.trouble is Trouble.GPU_IDLE and gpu == len(this.gpus) - 1
        found.append(
            Script(base + 1 + child, base, "python",
                   f"python -m selfplay.worker --seat {child} --batch 64 --visits 800",
                   "mara", 0.2 if idle else each, (9 if idle else 2 + child % 3) * GIB,
                   None if gpu is None else held, gpu, 13)
        )  # fmt: skip
    return found


def _train(base: int, this: Machine) -> list[Script]:
    ranks = max(1, len(this.gpus))
    found = [Script(base, 1, "torchrun", f"torchrun --nproc-per-node {ranks} -m training.train --preset square19",
                    "jun", 1.0, 400 * MIB, threads=6)]  # fmt: skip
    each = min(this.load, 1.0) * this.cores * 70.0 / ranks
    for rank in range(ranks):
        command = f"python -u -m training.train --preset square19 --rank {rank} --window 2000000"
        memory = this.gpus[rank].memory_bytes * 9 // 10 if this.gpus else None
        found.append(Script(base + 1 + rank, base, "python", command, "jun", each,
                            (11 + rank % 4) * GIB, memory, rank, 64))  # fmt: skip
    found.append(Script(base + 90, 1, "rsync", "rsync -a --partial nas:/tank/shards/ /data/shards/", "jun",
                        12.0, 22 * MIB))  # fmt: skip
    return found


def _trouble(index: int, this: Machine) -> list[Script]:
    if this.trouble is Trouble.CONTENTION:
        return [
            Script(70_410, 1, "mprime", "/opt/mprime -t", "ubuntu", 3_150.0, 2 * GIB, threads=32, age_s=5_400),
            Script(70_911, 1, "cc1plus", "/usr/lib/gcc/x86_64-linux-gnu/13/cc1plus -quiet engine.cpp",
                   "jun", 99.0, 1 * GIB, age_s=95),
        ]  # fmt: skip
    if this.trouble is Trouble.MEMORY:
        command = "python -m records.aggregate --in /data/shards --window 40000000"
        return [Script(61_002, 1, "python", command, "jun", 97.0, 46 * GIB, threads=4, age_s=3_100)]
    if this.trouble is Trouble.HOSTILE_NAMES:
        return [
            Script(66_600 + i, 1, name, command, "nobody", 31.0 - i, 40 * MIB, age_s=700)
            for i, (name, command) in enumerate(_HOSTILE)
        ]
    return []


def measured(index: int, script: Script, t: float, wall: float) -> Process:
    """The process as it is measured at `t`; `wall` is the wall clock there at that moment."""
    cpu = around(script.cpu, script.cpu * 0.12, index, str(script.pid), t) if script.cpu else 0.0
    age = script.age_s + t
    boot = machine(index).uptime_days * 86_400
    return Process(
        pid=script.pid,
        start_ticks=int((boot - script.age_s) * TICKS_PER_S) + script.pid % 97,
        parent_pid=script.parent_pid,
        name=script.name,
        command=script.command,
        user=script.user,
        state="R" if cpu > 30 else ("I" if script.command.startswith("[k") else "S"),
        cpu_percent=round(cpu, 1),
        memory_bytes=script.memory_bytes,
        gpu_memory_bytes=script.gpu_memory_bytes,
        threads=script.threads,
        started_at=round(wall - age, 1),
    )


def details(process: Process) -> ProcessDetails:
    """What more can be said of a process that the demo made up."""
    kernel = process.command.startswith("[") and process.user == "root"
    if kernel:
        return ProcessDetails(process, missing=("executable: a kernel thread has none",))
    seed = process.pid
    return ProcessDetails(
        process,
        executable="/usr/bin/python3.11"
        if process.name == "python"
        else f"/usr/bin/{process.name}",
        directory=f"/home/{process.user}/run",
        open_files=(
            f"/home/{process.user}/run/data/selfplay/hex8_2p/open/{seed}.jsonl",
            f"/home/{process.user}/run/logs/worker-{seed % 12}.log",
            "/dev/nvidia0",
        ),
        connections=(f"tcp 10.77.0.3:{40_000 + seed % 9_000} → 10.77.0.2:873 established",),
        read_bytes=int(2e9 * fraction("read", seed)),
        written_bytes=int(9e9 * fraction("written", seed)),
        affinity=tuple(range(8)),
        nice=0,
        cgroup="/user.slice/user-1000.slice/session-4.scope",
        context_switches=int(5e7 * fraction("switches", seed)),
        missing=() if process.user != "root" else ("open files: not permitted",),
    )
