"""Work on several nodes at once: never too many, tried again after a pause, and counted honestly at the end."""

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from workers.harness import NoDataYet, Worker, WorkerError
from workers.jobs.document import Limits
from workers.jobs.errors import TRIED_AGAIN, Interrupted, SomeFailed
from workers.jobs.parts import DONE, FAILED, PARTIAL, RUNNING, SKIPPED, WAITING, Part, Parts

Act = Callable[[Part], "str | None"]
"""The work on one node; what it returns is said of it. A WorkerError is that node's failure; `Skip` none."""

_LONGEST_PAUSE_S = 60.0
_LOOK_EVERY_S = 0.1
_SPARE_S = 3.0  # of the grace time, for closing what is open and the last word


class Skip(Exception):
    """Nothing is wanted of this node; the text says why."""


class Crew:
    """Runs an act on each node. ``first_pause_s`` doubles from try to try, with jitter."""

    def __init__(
        self, worker: Worker, limits: Limits, parts: Parts, first_pause_s: float = 1.0
    ) -> None:
        self.worker = worker
        self.limits = limits
        self.parts = parts
        self._pause_s = first_pause_s
        self._deadline = time.monotonic() + limits.timeout_s if limits.timeout_s else None
        self._errors: dict[str, WorkerError] = {}
        self._lock = threading.Lock()

    @property
    def ending(self) -> str | None:
        """Why whatever runs must end now: a stop, or the job's time limit. None: go on."""
        if self.worker.stopping:
            return "stopped"
        if self._deadline is not None and time.monotonic() > self._deadline:
            return f"took longer than {self.limits.timeout_s:g} s (timeout_s)"
        return None

    def check(self) -> None:
        """Raises Interrupted once the act should end."""
        why = self.ending
        if why is not None:
            raise Interrupted(why)

    def work(self, names: Sequence[str], act: Act, limits: Limits | None = None) -> None:
        """Returns when each of the nodes has ended, or when there is no more time. Raises nothing of theirs.

        ``limits``: others than the job's for this act, as for one that only looks.
        """
        limits = limits or self.limits
        waiting = _Waiting(names, limits)
        count = min(len(names), limits.concurrency)
        orders = (waiting, act, limits.retries)
        threads = [
            threading.Thread(target=self._serve, args=orders, name=f"node-{n}", daemon=True)
            for n in range(count)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            if self.worker.grace_left_s < _SPARE_S:
                return
            threads[-1].join(_LOOK_EVERY_S)
            threads = [thread for thread in threads if thread.is_alive()] or threads[-1:]

    def finish(self) -> None:
        """Says how it ended. Raises the error whose exit code tells it; nothing where all is done or
        where a signal ended it."""
        for part in self.parts.in_state(WAITING, RUNNING):
            why = self.ending or "not begun before the job ended"
            part.say(state=FAILED, message=why)
            self._errors.setdefault(part.name, Interrupted(why))
        bad = self.parts.in_state(FAILED, PARTIAL)
        good = self.parts.in_state(DONE, PARTIAL)
        if not bad:
            return
        text = "; ".join(f"{part.name}: {part.message}" for part in bad)
        if self.worker.stopping:  # the exit code is the signal's
            self.worker.say(phase="stopped", message=text)
            return
        if good:
            raise SomeFailed(f"partial: {len(good)} of {len(list(self.parts))} nodes; {text}")
        raise _together([self._errors[part.name] for part in bad], text)

    def _serve(self, waiting: "_Waiting", act: Act, retries: int) -> None:
        while self.ending is None and not self.worker.draining:
            name = waiting.next(_LOOK_EVERY_S)
            if name is None:
                if waiting.empty:
                    return
                continue
            try:
                self._one(self.parts[name], act, retries)
            finally:
                waiting.over(name)

    def _one(self, part: Part, act: Act, retries: int) -> None:
        try:
            self._tries(part, act, retries)
        except Skip as reason:
            part.say(state=SKIPPED, message=str(reason))
        except WorkerError as error:
            self._fail(part, error)
        except Exception as error:  # the outer edge of one node's work: the other nodes go on
            self.worker.log(f"{part.name}: {type(error).__name__}: {error}")
            self._fail(part, WorkerError(f"{type(error).__name__}: {error}"))

    def _tries(self, part: Part, act: Act, retries: int) -> None:
        for attempt in range(retries + 1):
            part.say(state=RUNNING)
            try:
                said = act(part)
            except TRIED_AGAIN as error:
                if attempt == retries:
                    raise
                self._pause(part, attempt, error)
                continue
            if part.state == RUNNING:
                part.say(state=DONE, **({} if said is None else {"message": said}))
            return

    def _pause(self, part: Part, attempt: int, error: WorkerError) -> None:
        longest = min(_LONGEST_PAUSE_S, self._pause_s * 2**attempt)
        seconds = longest * random.uniform(0.5, 1.0)  # noqa: S311 (so that nodes do not come all at once)
        self.worker.log(f"{part.name}: {error}; again in {seconds:.1f} s")
        part.say(message=f"{error}; again in {seconds:.0f} s")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.check()
            time.sleep(min(_LOOK_EVERY_S, max(0.0, until - time.monotonic())))

    def _fail(self, part: Part, error: WorkerError) -> None:
        with self._lock:
            self._errors[part.name] = error
        self.worker.log(f"{part.name}: failed: {error}")
        part.say(state=FAILED, message=str(error))


class _Waiting:
    """The nodes that wait for their turn, in their order; of each group only so many have it at a time."""

    def __init__(self, names: Sequence[str], limits: Limits) -> None:
        self._names = deque(names)
        self._caps = limits.caps
        self._busy: Counter[str] = Counter()
        self._changed = threading.Condition()

    @property
    def empty(self) -> bool:
        return not self._names

    def next(self, within_s: float) -> "str | None":
        """The first whose group has room; None where none has within that time."""
        with self._changed:
            found = self._first() or (self._changed.wait(within_s) and self._first()) or None
            if found is not None:
                self._names.remove(found)
                if found in self._caps:
                    self._busy[self._caps[found].group] += 1
            return found

    def over(self, name: str) -> None:
        """Its turn ended."""
        with self._changed:
            if name in self._caps:
                self._busy[self._caps[name].group] -= 1
            self._changed.notify_all()

    def _first(self) -> "str | None":
        return next((name for name in self._names if self._room(name)), None)

    def _room(self, name: str) -> bool:
        cap = self._caps.get(name)
        return cap is None or not cap.concurrency or self._busy[cap.group] < cap.concurrency


def _together(errors: list[WorkerError], text: str) -> WorkerError:
    """One error for all nodes: with the code they share, or 1."""
    codes = {error.code for error in errors}
    found = NoDataYet(text) if codes == {NoDataYet.code} else WorkerError(text)
    found.code = codes.pop() if len(codes) == 1 else WorkerError.code
    return found
