"""A process held by a descriptor: while it is open, its number cannot pass to another unseen.

Linux 5.3 has pidfds, 6.9 gives each an inode of its own (pidfs), 6.15 tells the exit status through one
even to those who are not the parent. What is missing is None.
"""

import os
import signal
from typing import Callable, Optional

from workers.machine.process import exit_status, start_ticks

_GET_INFO = 0xC040FF0B  # _IOWR(0xFF, 11, struct pidfd_info), linux/pidfd.h
_INFO_BYTES = 64
_INFO_EXIT = 1 << 3
_EXIT_OFFSET = 60


def open_process(pid: int) -> Optional[int]:
    """A pidfd (close on exec); None where the kernel or this Python has none.

    Raises ProcessLookupError where there is no such process, OSError (EMFILE) without descriptors.
    """
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        import errno

        if error.errno in (errno.ENOSYS, errno.EPERM, errno.EINVAL):
            return None  # an old kernel, or a sandbox that refuses the call
        raise


def inode(pidfd: int) -> int:
    """What no other process of this boot has; 0 before Linux 6.9."""
    found = os.fstat(pidfd)
    return found.st_ino if found.st_dev != _anonymous_device() else 0


def status_after_exit(pidfd: int, pid: int) -> Optional[int]:
    """The wait status of a process that ended, though it is not our child; None where unknown.

    From the kernel's own memory of it (6.15), or from the zombie while its parent has not reaped it.
    """
    import fcntl

    buffer = bytearray(_INFO_BYTES)
    buffer[0] = _INFO_EXIT
    try:
        fcntl.ioctl(pidfd, _GET_INFO, buffer)
    except OSError:
        return exit_status(pid)
    if buffer[0] & _INFO_EXIT:
        return int.from_bytes(buffer[_EXIT_OFFSET : _EXIT_OFFSET + 4], "little")
    return exit_status(pid)


def is_over(pidfd: int) -> bool:
    """True once the process has ended, reaped or not."""
    import select

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def send(pid: int, ticks: int, number: int) -> bool:
    """As ``send_if``: the process that started at these ticks."""
    return send_if(pid, number, lambda _: start_ticks(pid) == ticks)


def send_if(pid: int, number: int, is_meant: Callable[[Optional[int]], bool]) -> bool:
    """Signals a process that is held while ``is_meant`` (the pidfd, None without) compares it; False when
    it is gone or another.

    Raises PermissionError, and OSError without descriptors.
    """
    try:
        pidfd = open_process(pid)
    except ProcessLookupError:
        return False
    try:
        if not is_meant(pidfd):
            return False
        if pidfd is None:
            os.kill(pid, number)
        else:
            signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    finally:
        if pidfd is not None:
            os.close(pidfd)
    return True


def _anonymous_device() -> int:
    """The device of the kernel's nameless inodes, where pidfds lived before they had a file system."""
    import select

    poll = select.epoll()
    try:
        return os.fstat(poll.fileno()).st_dev
    finally:
        poll.close()
