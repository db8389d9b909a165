"""How a finding is put together: the kind decides which key helps and what it does."""

from __future__ import annotations

from collections.abc import Iterable

from console import formatting
from console.fleet.alerts import Finding, Severity
from console.fleet.rules import Rule
from workers.protocol import Process

_HELP = {
    "node_down": ("d", "says why and what to do"),
    "node_attention": ("d", "says what to do"),
    "disk_nearly_full": ("Enter", "opens the node: Disks & data says what fills it"),
    "inodes": ("Enter", "opens the node: Disks & data says where the files are"),
    "memory": ("Enter", "opens the node: Processes says who holds it"),
    "swap": ("Enter", "opens the node: Processes says who holds it"),
    "gpu_hot": ("Enter", "opens the node: GPUs shows clocks and power"),
    "gpu_lost": ("s", "opens a shell: a reset or a reboot brings it back"),
    "gpu_driver": ("s", "opens a shell: nvidia-smi and dmesg say more"),
    "gpu_idle_held": ("Enter", "opens the node: Processes can end the holder"),
    "cpu_contention": ("Enter", "opens the node: Processes can end a competitor"),
    "dataset_stale": ("d", "says what may hold it back"),
    "dataset_unreadable": ("s", "opens a shell: look at owner and mode of the files"),
    "worker_slow": ("l", "shows its log"),
    "worker_stalled": ("l", "shows its last lines"),
    "worker_crash_loop": ("l", "shows why: E jumps to the error"),
    "worker_writer_blocked": ("l", "shows its last lines"),
    "worker_lost": ("o", "looks for what is left of it"),
    "worker_exited_badly": ("l", "shows its last lines"),
    "worker_kill_pending": (
        "s",
        "opens a shell: what it waits for, a disk or a mount, must answer",
    ),
    "worker_unguarded": ("r", "restarts it under two new guards"),
    "worker_warning": ("d", "says more"),
    "clock_skew": ("s", "opens a shell: timedatectl says whether the clock is kept"),
}
KINDS = tuple(_HELP)


def finding(
    kind: str,
    text: str,
    rule: Rule,
    subject: str = "",
    severity: Severity = Severity.WARNING,
    key: str | None = None,
    help_: str | None = None,
) -> Finding:
    """A finding with the key that its kind calls for."""
    usual_key, usual_help = _HELP[kind]
    return Finding(kind, subject, text, key or usual_key, help_ or usual_help, severity, rule)


def by_cpu(top: Iterable[Process], count: int = 3, at_least_percent: float = 25.0) -> str:
    """`python (812) 398 %, rsync (99) 120 %`: the busiest; empty where none is busy or known."""
    busy = [p for p in top if p.cpu_percent is not None and p.cpu_percent >= at_least_percent]
    busy.sort(key=lambda p: -(p.cpu_percent or 0.0))
    return ", ".join(
        f"{p.name} ({p.pid}) {formatting.percent(p.cpu_percent)}" for p in busy[:count]
    )


def by_memory(top: Iterable[Process], count: int = 2) -> str:
    """`python (812) 41 GiB`: who holds most; empty where it is not known."""
    known = sorted((p for p in top if p.memory_bytes), key=lambda p: -(p.memory_bytes or 0))
    return ", ".join(
        f"{p.name} ({p.pid}) {formatting.memory(p.memory_bytes)}" for p in known[:count]
    )
