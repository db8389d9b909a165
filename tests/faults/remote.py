"""What is done to a host from outside: its agents, its cables, its packets."""

from __future__ import annotations

import os

from tests.namespaces import SSHD, LoopbackHost
from tests.processes import command_of, descendants

_AGENT = b"quarterdeck-python"  # stands in the arguments of every agent


def agents_on(host: LoopbackHost) -> list[int]:
    """Running agents, by their numbers outside of the host."""
    return [pid for pid in descendants(host.init) if _is_agent(pid)]


def sshd_listeners(host: LoopbackHost) -> list[int]:
    """The sshd processes that listen: the oldest of them, before any was killed."""
    return [pid for pid in descendants(host.init, deep=False) if _program(pid) == SSHD]


def lose(host: LoopbackHost, share: float) -> None:
    """Drops this share of all packets, each way."""
    for chain in ("INPUT", "OUTPUT"):
        inside(
            host, "iptables", "-A", chain, "-m", "statistic", "--mode", "random",
            "--probability", str(share), "-j", "DROP",
        )  # fmt: skip


def slow_down(host: LoopbackHost, rate: str) -> None:
    """Limits what leaves the host, as `tc` writes rates (64kbit)."""
    inside(
        host, "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", rate,
        "burst", "10kb", "latency", "100ms",
    )  # fmt: skip


def mend(host: LoopbackHost) -> None:
    """Undoes every cut, loss and limit."""
    host.heal()
    host.exec(["tc", "qdisc", "del", "dev", "eth0", "root"])


def inside(host: LoopbackHost, *argv: str) -> str:
    """Runs a command in the host; AssertionError with its words where it fails."""
    done = host.exec(argv)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr.decode()}"
    return done.stdout.decode()


def _is_agent(pid: int) -> bool:
    return _AGENT in command_of(pid)


def _program(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""
