"""Whoever reads data gives way to everybody else on the node."""

import os
import sys
import threading

NICE = 10


def give_way() -> None:
    """Heartbeats and the node's own work go first: on Linux a thread has a priority of its own.

    The main thread keeps its own: it may be somebody's whole process.
    """
    if not sys.platform.startswith("linux"):
        return
    if threading.current_thread() is threading.main_thread():
        return
    try:
        thread = threading.get_native_id()
        if os.getpriority(os.PRIO_PROCESS, thread) < NICE:
            os.setpriority(os.PRIO_PROCESS, thread, NICE)
    except OSError:
        pass
