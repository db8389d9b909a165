"""A background thread that does one thing at a time, and the pipe that wakes the loop when it is done."""

import os
import threading
from collections import deque
from typing import Any, Callable, Deque, Optional, Tuple

Work = Callable[[], Any]
Done = Callable[[Any, Optional[Exception]], None]

_NO_THREAD = "this account may start no more processes and threads here (ulimit -u, pids.max)"


class Finished:
    """Results on their way from threads to the loop."""

    def __init__(self) -> None:
        self.wake_fd, self._write_fd = os.pipe()
        os.set_blocking(self.wake_fd, False)
        os.set_blocking(self._write_fd, False)
        self._results: Deque[Tuple[Done, Any, Optional[Exception]]] = deque()

    def add(self, done: Done, value: Any, error: Optional[Exception]) -> None:
        """Called by a thread: ``done`` will run in the loop."""
        self._results.append((done, value, error))
        try:
            os.write(self._write_fd, b".")
        except BlockingIOError:  # enough wake-ups wait already
            pass

    def collect(self) -> None:
        """Called by the loop: runs what is due."""
        try:
            os.read(self.wake_fd, 4096)
        except BlockingIOError:
            pass
        while self._results:
            done, value, error = self._results.popleft()
            done(value, error)


class Lane:
    """One thread, started with its first work."""

    def __init__(self, name: str, finished: Finished) -> None:
        self._name = name
        self._finished = finished
        self._pending: Deque[Tuple[Work, Done]] = deque()
        self._more = threading.Semaphore(0)
        self._thread: Optional[threading.Thread] = None

    def submit(self, work: Work, done: Done) -> None:
        """Runs ``work()`` in the thread, then ``done(value, error)`` in the loop."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            if not _started(thread, done, self._finished):
                return
            self._thread = thread
        self._pending.append((work, done))
        self._more.release()

    def _run(self) -> None:
        while True:
            self._more.acquire()
            work, done = self._pending.popleft()
            _carry_out(work, done, self._finished)


def run_apart(
    name: str, finished: Finished, work: Work, done: Done, otherwise: Optional[Lane] = None
) -> None:
    """Runs ``work()`` in a thread of its own, then ``done(value, error)`` in the loop.

    Where no thread can be had, ``otherwise`` does it in its turn.
    """
    arguments = (work, done, finished)
    thread = threading.Thread(target=_carry_out, name=name, args=arguments, daemon=True)
    if otherwise is None:
        _started(thread, done, finished)
        return
    try:
        thread.start()
    except RuntimeError:
        otherwise.submit(work, done)


def _started(thread: threading.Thread, done: Done, finished: Finished) -> bool:
    try:
        thread.start()
    except RuntimeError:
        finished.add(done, None, OSError(0, _NO_THREAD))
        return False
    return True


def _carry_out(work: Work, done: Done, finished: Finished) -> None:
    try:
        value = work()
    except Exception as error:
        finished.add(done, None, error)
    else:
        finished.add(done, value, None)
