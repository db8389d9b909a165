"""The main process of an attempt, held so that no other can be mistaken for it, and how it ended."""

import os
import select
import signal
from typing import NamedTuple, Optional

from workers import contract
from workers.machine import boot, pidfd, process, procfs
from workers.machine.subreaper import usage_of_zombie
from workers.supervisor.pid_record import PidRecord

_REAP_PATIENCE_MS = 1000  # between the end of a foreign process and its parent's wait for it


class Ending(NamedTuple):
    """``status`` is a wait status; None where nobody can say any more."""

    status: Optional[int]
    cpu_s: Optional[float] = None
    max_rss_bytes: Optional[int] = None

    @property
    def code(self) -> Optional[int]:
        known = self.status is not None and os.WIFEXITED(self.status)
        return os.WEXITSTATUS(self.status or 0) if known else None

    @property
    def signal(self) -> Optional[int]:
        known = self.status is not None and os.WIFSIGNALED(self.status)
        return os.WTERMSIG(self.status or 0) if known else None

    @property
    def core(self) -> bool:
        return self.status is not None and os.WCOREDUMP(self.status)


class MainProcess:
    """A process that is our child (``own``), or one that is only watched by its pidfd."""

    def __init__(self, pid: int, ticks: int, own: bool, held: Optional[int]) -> None:
        self.pid = pid
        self.ticks = ticks
        self.own = own
        self.pidfd = held  # readable once it has ended

    def ending(self) -> Optional[Ending]:
        """How it ended; None while it lives. It stays unreaped."""
        return self._own_ending() if self.own else self._foreign_ending()

    def reap(self) -> None:
        """Lets its number go. Only after its end is durable."""
        if self.own:
            try:
                os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pass
        self.close()

    def signal(self, number: int) -> bool:
        """False where it is gone, or runs as somebody else now."""
        try:
            if self.own:
                os.kill(self.pid, number)  # unreaped, so the number is still its own
            elif self.pidfd is not None:
                signal.pidfd_send_signal(self.pidfd, number)
            else:
                return pidfd.send_if(self.pid, number, lambda _: self._is_there())
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def close(self) -> None:
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None

    def _is_there(self) -> bool:
        found = process.row(self.pid)
        return found is not None and found.ticks == self.ticks and found.alive

    def _own_ending(self) -> Optional[Ending]:
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        found = os.waitid(os.P_PID, self.pid, options)
        if found is None:
            return None
        if found.si_code == os.CLD_EXITED:
            status = found.si_status << 8
        else:
            status = found.si_status | (0x80 if found.si_code == os.CLD_DUMPED else 0)
        used = usage_of_zombie(self.pid, os.uname().machine)
        if used is None:
            return Ending(status)
        return Ending(status, used.cpu_s, used.max_rss_bytes)

    def _foreign_ending(self) -> Optional[Ending]:
        if self.pidfd is None:
            if self._is_there():
                return None
            return Ending(process.exit_status(self.pid))
        if not pidfd.is_over(self.pidfd):
            return None
        status = pidfd.status_after_exit(self.pidfd, self.pid)
        if status is None:
            _await_reaping(self.pidfd)
            status = pidfd.status_after_exit(self.pidfd, self.pid)
        return Ending(status)


def find(record: PidRecord, at_gate: bool = False) -> Optional[MainProcess]:
    """The process of the record: our child, dead or alive, or a stranger that lives. None when it is gone.

    Held first and compared then: number and start ticks, and the pidfd's inode or else the token, because
    ticks alone are nearly equal for two processes that follow each other fast. ``at_gate``: it may not
    have executed its command yet, and then carries no token.
    """
    if not is_of_this_life(record):
        return None
    own = _is_child(record.pid)
    try:
        held = pidfd.open_process(record.pid)
    except OSError:
        held = None
        if not own:
            return None
    if _is_same(record, held, at_gate):
        return MainProcess(record.pid, record.ticks, own, held)
    if held is not None:
        os.close(held)
    return None


def is_of_this_life(record: PidRecord) -> bool:
    """False where the machine was started anew since, or the container: its numbers mean nothing here."""
    if record.boot_id != boot.boot_id() or record.namespace != boot.pid_namespace():
        return False
    return record.init_ticks in (None, process.start_ticks(1))


def _is_same(record: PidRecord, held: Optional[int], at_gate: bool) -> bool:
    if process.start_ticks(record.pid) != record.ticks:
        return False
    if held is not None and record.pidfd_inode:
        return pidfd.inode(held) == record.pidfd_inode
    if not record.token or at_gate:
        return True
    environment = procfs.read(f"/proc/{record.pid}/environ")
    if not environment:  # a zombie has none, and it may be hidden
        return True
    return process.variable(record.pid, contract.TOKEN) == record.token


def _is_child(pid: int) -> bool:
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _await_reaping(held: int) -> None:
    poll = select.poll()
    poll.register(held, 0)  # a pidfd hangs up once its process is reaped
    poll.poll(_REAP_PATIENCE_MS)
