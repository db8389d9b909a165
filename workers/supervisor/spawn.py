"""Exactly one start: the child waits at a gate until its identity is durable.

Whoever dies on the way leaves either nothing that was executed, or a process that the run directory names.
"""

import os
import signal
from typing import Callable, List, NamedTuple, Tuple

from workers.machine.process import start_ticks
from workers.supervisor.child import Descriptors, Orders, become


class Spawned(NamedTuple):
    """A child that was let go. ``report`` ends when the command is executed; before that it says why not."""

    pid: int
    ticks: int
    report: int


def spawn(orders: Orders, out: str, err: str, remember: Callable[[int, int], None]) -> Spawned:
    """Forks, calls ``remember`` (pid, ticks), and opens the gate.

    ``remember`` makes the identity durable. Where it fails the child is sent away unexecuted. Raises
    OSError; then no process is left.
    """
    opened: List[int] = []
    try:
        null = _kept(opened, os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
        out_file = _kept(opened, _open_log(out))
        err_file = _kept(opened, _open_log(err))
        gate_in, gate_out = (_kept(opened, end) for end in os.pipe())
        report_in, report_out = (_kept(opened, end) for end in os.pipe())
        files = Descriptors(null, out_file, err_file, gate_in, report_out)
        _make_gate_file(orders.gate_file)
        pid = _fork(orders, files)
        try:
            ticks = start_ticks(pid) or 0
            remember(pid, ticks)
            os.write(gate_out, b"g")
        except BaseException:
            os.close(gate_out)
            opened.remove(gate_out)
            os.waitpid(pid, 0)
            raise
        opened.remove(report_in)
        os.set_blocking(report_in, False)
        return Spawned(pid, ticks, report_in)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _fork(orders: Orders, files: Descriptors) -> int:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()  # no handler of ours runs in the child: it lifts the mask after its reset
        if pid == 0:
            become(orders, files)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _kept(opened: List[int], descriptor: int) -> int:
    opened.append(descriptor)
    return descriptor


def _open_log(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    os.fchmod(file, 0o600)
    return file


def _make_gate_file(path: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(path, flags, 0o600))


def read_report(report: int) -> Tuple[bytes, bool]:
    """What the child said until now, and whether it has said all: it was executed, or it is gone."""
    said = b""
    while True:
        try:
            piece = os.read(report, 65_536)
        except BlockingIOError:
            return said, False
        if not piece:
            return said, True
        said += piece
