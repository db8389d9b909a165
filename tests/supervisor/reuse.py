"""Run as process 1 of a PID namespace: gives the numbers of the dead to strangers and tries to hit those.

Prints how many numbers came round and how many strangers were hit.
"""

import os
import signal
import sys

sys.path.insert(0, sys.argv[1])

from workers.machine import boot, pidfd, process
from workers.supervisor.holder import Keeper
from workers.supervisor.main_process import find
from workers.supervisor.pid_record import PidRecord
from workers.supervisor.tree import signal_row


def stranger_factory() -> "tuple[int, int]":
    """A process of another session that makes children on request and tells what killed them."""
    asks, orders = os.pipe()
    answers, tells = os.pipe()
    if os.fork() == 0:
        os.setsid()
        child = 0
        while True:
            os.read(asks, 1)
            if child:
                os.kill(child, signal.SIGKILL)
                status, child = os.waitpid(child, 0)[1], 0
                os.write(tells, b"%6d" % os.WTERMSIG(status))
                continue
            child = os.fork()
            if child == 0:
                while True:
                    signal.pause()
            os.write(tells, b"%6d" % child)
    return orders, answers


def main(tries: int) -> None:
    orders, answers = stranger_factory()

    def order() -> int:
        os.write(orders, b".")
        return int(os.read(answers, 6))

    reused = hit = 0
    for _ in range(tries):
        first = os.fork()
        if first == 0:
            signal.pause()
        held = pidfd.open_process(first)
        row, inode = process.row(first), pidfd.inode(held) or None
        os.close(held)
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(str(first - 1))
        reused += order() == first
        try_to_hit(row, inode)
        hit += order() != signal.SIGKILL
    print(reused, hit)


def try_to_hit(row: process.ProcessRow, inode: "int | None") -> None:
    """Everything that signals by a remembered identity."""
    record = PidRecord(
        1, row.pid, row.ticks, boot.boot_id(), boot.pid_namespace(), token="n:r", pidfd_inode=inode
    )
    found = find(record)
    if found is not None:
        found.signal(signal.SIGTERM)
        found.close()
    signal_row(row, signal.SIGTERM)
    keeper = Keeper("shim", row.pid, row.ticks, inode)
    if inode:
        pidfd.send_if(row.pid, signal.SIGTERM, keeper.is_held_by)


main(int(sys.argv[2]))
