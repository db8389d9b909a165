"""The one place where a keeper sleeps: until a signal, the end of a process held by a descriptor, or a time."""

import os
import select
import signal
from typing import Any, FrozenSet, Optional, Tuple

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
        self._watched: Tuple[int, ...] = ()
        self._poll = self._poll_of(())

    def sleep(self, seconds: float, descriptors: Tuple[int, ...]) -> Optional[FrozenSet[int]]:
        """Until something happens, ``seconds`` at most; the numbers of the signals that came.

        None where nothing has happened.
        """
        if descriptors != self._watched:
            self._watched, self._poll = descriptors, self._poll_of(descriptors)
        if not self._poll.poll(max(0.0, seconds) * 1000.0):
            return None
        try:
            return frozenset(os.read(self._in, 4096))
        except BlockingIOError:
            return frozenset()

    def _poll_of(self, descriptors: Tuple[int, ...]) -> Any:
        poll = select.poll()
        for descriptor in (self._in, *descriptors):
            poll.register(descriptor, select.POLLIN)
        return poll


def _only_wake(number: int, frame: object) -> None:
    """A handler must be there for the signal to reach the pipe."""
