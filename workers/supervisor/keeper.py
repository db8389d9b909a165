"""The loop around a run's life: sleeps until something happens, and keeps the run directory itself alive.

Whoever holds the run's lock runs it: the shim; the guardian when the shim is gone; a new pair when both
were. At rest it wakes every two seconds and looks whether a few files have changed.
"""

import os
import signal
from typing import Callable, Mapping, NamedTuple, Optional, Tuple

from workers.machine import boot, process
from workers.supervisor import events as kinds
from workers.supervisor import holder
from workers.supervisor.chance import chance
from workers.supervisor.life import Life
from workers.supervisor.memory import Memory
from workers.supervisor.refusal import TRANSIENT
from workers.supervisor.rotation import Rotator
from workers.supervisor.run import Run
from workers.supervisor.wake import Wake

TICK_S = 2.0  # between two looks at desired.json without a poke
TOUCH_S = 10.0  # between two signs of life
_GROUPS = 8
_THOROUGH_S = 30.0  # between two turns while nothing seems to change
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
        self._turn_at = 0.0  # due whatever the files say
        self._seen: Optional[Tuple[object, ...]] = (
            None  # the files before the last turn, while at rest
        )
        # Hundreds of keepers do not wake at once; those that do find each other's caches warm.
        self._phase = int(chance() * _GROUPS) * TICK_S / _GROUPS
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
        self._seen, seen = None, self._look()  # a change from here on is found by the next look
        if self._memory.is_lost(self._lock):
            self._restore()
        if now >= self._tick_at:
            self._tick_at = self._next_tick(now)
            self._look_around(now)
        due = self._life.turn(now)
        self._memory.refresh(self._life.attempt.number)
        rotate_at = self._rotate(now)
        if due == float("inf") and rotate_at == self._tick_at and self._hears_of_all():
            self._seen, self._turn_at = seen, now + _THOROUGH_S
        return max(0.0, min(due, self._tick_at, rotate_at) - boot.boottime())

    def _sleep(self, seconds: float) -> None:
        watched = self._watched()
        came = self._wake.sleep(seconds, watched)
        while came is None and self._is_at_rest():
            now = boot.boottime()
            self._touch(now)
            self._tick_at = self._rotate_at = self._next_tick(now)
            came = self._wake.sleep(self._tick_at - now, watched)
        if came and signal.SIGTERM in came:
            self._life.close(boot.boottime())
        if self._partner is not None and self._partner.is_gone():
            self._tick_at = 0.0

    def _watched(self) -> Tuple[int, ...]:
        if self._failures:
            return ()  # what could not be dealt with stays ready: it would leave no sleep
        found = self._life.attempt.descriptors()
        if self._partner is not None and self._partner.pidfd is not None:
            found.append(self._partner.pidfd)
        return tuple(found)

    def _next_tick(self, now: float) -> float:
        return (now - self._phase) // TICK_S * TICK_S + TICK_S + self._phase

    # ------------------------------------------------------------ at rest

    def _is_at_rest(self) -> bool:
        """Whether a turn would find everything as the last one did."""
        if self._seen is None or boot.boottime() >= self._turn_at:
            return False
        return self._look() == self._seen

    def _hears_of_all(self) -> bool:
        """Whether the end of the worker, and of the partner, wakes us."""
        main = self._life.attempt.main
        if main is None or not (main.own or main.pidfd is not None):
            return False
        return self._partner is None or self._partner.pidfd is not None

    def _look(self) -> Optional[Tuple[object, ...]]:
        """What changes with each wish, each event, each byte of a log, and where the folder is deleted."""
        paths = self._run.paths
        try:
            wish, events = os.stat(paths.desired), os.stat(paths.events)
            sizes = self._rotator.sizes() if self._rotator is not None else ()
            lock = os.stat(paths.lock).st_ino
        except OSError:
            return None
        return (wish.st_ino, wish.st_mtime_ns, events.st_ino, events.st_size, lock, sizes)

    # ------------------------------------------------------------ the surroundings

    def _look_around(self, now: float) -> None:
        self._touch(now)
        if self._partner is not None and self._partner.is_gone():
            self._lose_partner(self._partner)

    def _touch(self, now: float) -> None:
        if now >= self._touch_at:
            self._touch_at = now + TOUCH_S - TICK_S / 2
            holder.touch(self._lock)
            self._life.attempt.look_around()

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
