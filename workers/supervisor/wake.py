"""The one place where a keeper sleeps: until a signal, the end of a process held by a descriptor, or a time."""

import os
import select
import signal
from typing import FrozenSet, Iterable

_HEARD = (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM)


class Wake:
    """Signals arrive as bytes of a pipe, so that none is lost between two looks."""

    def __init__(self) -> None:
        self._in, out = os.pipe()
        os.set_blocking(self._in, False)
        os.set_blocking(out, False)
        for number in _HEARD:
            signal.signal(number, _only_wake)
        signal.set_wakeup_fd(out, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)

    def sleep(self, seconds: float, descriptors: Iterable[int]) -> FrozenSet[int]:
        """Until something happens, ``seconds`` at most; the numbers of the signals that came."""
        poll = select.poll()
        poll.register(self._in, select.POLLIN)
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        poll.poll(max(0.0, seconds) * 1000.0)
        try:
            return frozenset(os.read(self._in, 4096))
        except BlockingIOError:
            return frozenset()


def _only_wake(number: int, frame: object) -> None:
    """A handler must be there for the signal to reach the pipe."""
