"""A blocking call made in a thread, so that a dead mount or directory service blocks nobody else."""

import _thread  # `threading` is not needed for one lock, and costs its import at each start
import time
from typing import Any, Callable, Generic, Optional, TypeVar

Result = TypeVar("Result")


class Errand(Generic[Result]):
    """One call, started at once. A call that never returns keeps its thread: start no second one."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._value: Any = None
        self._error: Optional[Exception] = None
        self._started = time.monotonic()
        self._finished = _thread.allocate_lock()
        self._finished.acquire()
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError as error:  # the limit of threads is reached
            self._error = error
            self._finished.release()

    def _run(self) -> None:
        try:
            self._value = self._work()
        except Exception as error:
            self._error = error
        finally:
            self._finished.release()

    @property
    def done(self) -> bool:
        return not self._finished.locked()

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started

    def wait(self, timeout_s: float) -> bool:
        """Whether it ended within the time."""
        if self._finished.acquire(timeout=max(0.0, timeout_s)):
            self._finished.release()
        return self.done

    def result(self) -> Result:
        """What the call returned. Raises what it raised. Only for an errand that is done."""
        if self._error is not None:
            raise self._error
        value: Result = self._value
        return value
