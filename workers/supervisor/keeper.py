"""The loop around a run's life: sleeps until something happens, and keeps the run directory itself alive.

Whoever holds the run's lock runs it: the shim; the guardian when the shim is gone; a new pair when both
were. At rest it wakes every two seconds and looks at a few files.
"""

import os
import random
import signal
from typing import Callable, List, Mapping, NamedTuple, Optional

from workers.machine import boot, process
from workers.supervisor import events as kinds
from workers.supervisor import holder
from workers.supervisor.life import Life
from workers.supervisor.memory import Memory
from workers.supervisor.refusal import TRANSIENT
from workers.supervisor.rotation import Rotator
from workers.supervisor.run import Run
from workers.supervisor.wake import Wake

TICK_S = 2.0  # between two looks at desired.json without a poke
TOUCH_S = 10.0  # between two signs of life
_TROUBLED_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # after the disk refused, before the same turn again


class Partner(NamedTuple):
    """The other process of the pair, held by a pidfd where there is one."""

    keeper: holder.Keeper
    pidfd: Optional[int]

    def is_gone(self) -> bool:
        found = process.row(self.keeper.pid)
        return found is None or found.ticks != self.keeper.ticks or not found.alive


class Keeper:
    """``run()`` returns when the run is finished, or when this process was asked to end with it."""

    def __init__(
        self,
        run: Run,
        lock: int,
        me: holder.Keeper,
        partner: Optional[Partner],
        login: Mapping[str, str],
    ) -> None:
        self._run, self._lock, self._me, self._partner = run, lock, me, partner
        self._life = Life(run, me.role, login)
        self._life.partner = partner.keeper.pid if partner is not None else 0
        self._memory = Memory(run)
        self._wake = Wake()
        self._rotator: Optional[Rotator] = None
        self._rotated = 0  # the attempt whose logs are watched
        self._rotate_at = self._tick_at = self._touch_at = 0.0
        self._phase = random.random() * TICK_S  # noqa: S311  (many keepers do not wake in step)
        self._failures = 0
        self._reserve = -1

    def run(self, last_seen: Optional[float], inherited: bool) -> None:
        """As ``Life.resume``, and from there to the end."""
        resumed = False
        while not self._life.over:
            try:
                self._hold_reserve()
                if not resumed:
                    self._take_up(inherited)
                    self._life.resume(last_seen, inherited)
                    resumed = True
                pause = self._turn()
                self._failures = 0
            except OSError as error:
                pause = self._after_trouble(error)
            if not self._life.over and pause > 0:
                self._sleep(pause)
        self._watch_logs_of(0)

    def _take_up(self, inherited: bool) -> None:
        self._run.heal()
        now = self._run.condition()
        if now.attempt and not inherited and not now.finished:
            self._run.append(kinds.TAKEN_UP, pid=self._me.pid)

    def _turn(self) -> float:
        """All that is due; how long to sleep, in seconds."""
        now = boot.boottime()
        if self._memory.is_lost(self._lock):
            self._restore()
        if now >= self._tick_at:
            self._tick_at = (now - self._phase) // TICK_S * TICK_S + TICK_S + self._phase
            self._look_around(now)
        due = self._life.turn(now)
        self._memory.refresh(self._life.attempt.number)
        due = min(due, self._tick_at, self._rotate(now))
        return max(0.0, due - boot.boottime())

    def _sleep(self, seconds: float) -> None:
        came = self._wake.sleep(seconds, self._watched())
        if signal.SIGTERM in came:
            self._life.close(boot.boottime())
        if self._partner is not None and self._partner.is_gone():
            self._tick_at = 0.0

    def _watched(self) -> List[int]:
        if self._failures:
            return []  # what could not be dealt with stays ready: it would leave no sleep
        found = self._life.attempt.descriptors()
        if self._partner is not None and self._partner.pidfd is not None:
            found.append(self._partner.pidfd)
        return found

    # ------------------------------------------------------------ the surroundings

    def _look_around(self, now: float) -> None:
        if now >= self._touch_at:
            self._touch_at = now + TOUCH_S - TICK_S / 2
            holder.touch(self._lock)
        if self._partner is not None and self._partner.is_gone():
            self._lose_partner(self._partner)

    def _lose_partner(self, partner: Partner) -> None:
        self._run.append(kinds.GUARDIAN_LOST, pid=partner.keeper.pid)
        if partner.pidfd is not None:
            os.close(partner.pidfd)
        self._partner, self._life.partner = None, 0
        holder.sign(self._lock, (self._me,))

    def _restore(self) -> None:
        lock = self._memory.restore()
        if lock is None:
            return
        os.dup2(lock, self._lock, inheritable=False)
        os.close(lock)
        holder.sign(self._lock, (*([self._partner.keeper] if self._partner else []), self._me))
        self._run.append(
            kinds.WARNING,
            text="the run directory was deleted under the worker and made again from memory: "
            "what was logged before is gone, and the log goes on with the next attempt",
        )

    def _after_trouble(self, error: OSError) -> float:
        """The disk or the kernel refuses: nothing is lost by doing the same turn again."""
        if error.errno in TRANSIENT and self._reserve >= 0:
            os.close(self._reserve)  # one descriptor to say so with
            self._reserve = -1
        self._failures += 1
        return _TROUBLED_S[min(self._failures, len(_TROUBLED_S)) - 1]

    def _hold_reserve(self) -> None:
        if self._reserve < 0 and not self._failures:
            self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    # ------------------------------------------------------------ the logs

    def _rotate(self, now: float) -> float:
        """Lets the logs be indexed and rotated; when they want it again."""
        attempt = self._life.attempt
        self._watch_logs_of(attempt.number if attempt.main is not None else 0)
        if self._rotator is None:
            return float("inf")
        if now >= self._rotate_at:
            pause = self._rotator.step()
            # At rest both wake together.
            self._rotate_at = self._tick_at if pause >= TICK_S / 2 else now + pause
        return self._rotate_at

    def _watch_logs_of(self, number: int) -> None:
        if number == self._rotated:
            return
        if self._rotator is not None:
            self._rotator.close()
            self._rotator = None
        self._rotated, self._rotate_at = number, 0.0
        if number:
            self._rotator = Rotator(self._run.paths.attempt(number), self._report_of(number))

    def _report_of(self, number: int) -> Callable[..., None]:
        return lambda kind, **fields: self._run.append(kind, attempt=number, **fields)
