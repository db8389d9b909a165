"""A deadline that also ends a regular expression: the matcher looks for signals while it works.

Only for the main thread of the child.
"""

import signal
from contextlib import contextmanager
from typing import Any, Iterator


class Overdue(BaseException):
    """The time is over."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises Overdue inside once the time is over."""

    def ring(number: int, frame: Any) -> None:
        raise Overdue

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(0.01, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
