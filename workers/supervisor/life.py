"""The life of a run: from attempt to attempt, as its directory, its processes and people's wishes have it.

A turn looks at what is and does what is due. It keeps nothing that the directory does not say, so that a
turn which failed is done again, and any keeper can go on where another ended.
"""

import os
import time
from typing import Mapping, Optional

from workers.machine import boot
from workers.supervisor import condition as states
from workers.supervisor import events as kinds
from workers.supervisor import restart
from workers.supervisor.attempt import Attempt
from workers.supervisor.chance import chance
from workers.supervisor.condition import Condition
from workers.supervisor.desired import Desired
from workers.supervisor.ladder import ladder
from workers.supervisor.resuming import climb_of, resume
from workers.supervisor.run import Run
from workers.supervisor.stopping import Stopping, number_of, tree_of
from workers.supervisor.tree import Tree

_LOOK_S = 0.1  # between two looks at processes that are asked to end and are no children
_SETTLE_S = 0.02  # helpers that end with the main process do so within it


class Life:
    """``over`` is true once no attempt will follow by itself. Every method may raise OSError."""

    def __init__(self, run: Run, role: str, login: Mapping[str, str]) -> None:
        self.run = run
        self.over = False
        self.attempt = Attempt(run, 0, role)
        self.partner = 0  # pid of the other process of the pair, which hangs in the same tree
        self._role = role
        self._login = login
        self._ours = True  # orphans of the attempt become our children
        self._stopping: Optional[Stopping] = None
        self._lingering = False  # the main process has ended, helpers may live
        self._closing = False

    def resume(self, last_seen: Optional[float], inherited: bool) -> None:
        """Goes on from the directory. ``inherited``: the keeper before us was our child, and its tree is ours.

        ``last_seen``: when it showed itself last, by the wall clock.
        """
        self.attempt = resume(self.run, self._role, last_seen)
        now = self.run.condition()
        self._ours = inherited or not now.attempt
        self._lingering = bool(now.attempt)  # a look will show
        climb = climb_of(self.run)
        if climb is not None:
            self._stopping = Stopping(self.attempt, climb[0], self.run.spec(), climb[1])

    def turn(self, now: float) -> float:
        """Does all that is due at ``now``, seconds since boot; when something is due again."""
        self._obey(self.run.desired(), now)
        self._follow_start()
        self._follow_end(now)
        self._reap_orphans()
        self._climb_on(now)
        if self.attempt.main is None and not self._lingering:
            return self._go_on(now)
        if self._stopping is None:
            return float("inf")
        due = self._stopping.next_at()
        return due if self._ours else min(due, now + _LOOK_S)  # nobody tells of their end

    def close(self, now: float) -> None:
        """The machine or the unit goes down: the worker is stopped, and nothing follows in this process."""
        if not self._closing:
            self._closing = True
            self._climb("stop", now, self.run.spec().grace_s)

    # ------------------------------------------------------------ what people want

    def _obey(self, wanted: Desired, now: float) -> None:
        if wanted.sequence <= self.run.condition().sequence:
            return
        self.run.append(
            kinds.DESIRED,
            sequence=wanted.sequence,
            want=wanted.want,
            act=wanted.act,
            by=wanted.by,
            grace_s=wanted.grace_s,
        )
        lives = self.attempt.main is not None or self._lingering
        if wanted.act == "drain":
            self._drain()
        elif wanted.act != "start" and lives:
            grace_s = self.run.spec().grace_s if wanted.grace_s is None else wanted.grace_s
            self._climb(wanted.act, now, grace_s)

    def _climb(self, act: str, now: float, grace_s: float) -> None:
        """Asked again while it goes on, the grace still counts from the first time."""
        since = self.run.condition().stopping_since or now
        steps = ladder(act, since, grace_s, self.attempt.main is not None)
        climbed = set() if self._stopping is None else self._stopping.climbed
        self._stopping = Stopping(self.attempt, steps, self.run.spec(), climbed)

    def _drain(self) -> None:
        main, spec = self.attempt.main, self.run.spec()
        if main is None:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(self.attempt.paths.drain, flags, 0o600))
        if spec.drain_signal:
            main.signal(number_of(spec.drain_signal))
        self.run.append(kinds.DRAINING, attempt=self.attempt.number, signal=spec.drain_signal)

    # ------------------------------------------------------------ what the worker does

    def _follow_start(self) -> None:
        refused = self.attempt.follow_report()
        if refused is not None:
            self.attempt.refuse(refused)

    def _follow_end(self, now: float) -> None:
        main = self.attempt.main
        if main is None or self.attempt.report is not None:
            return
        ending = main.ending()
        if ending is None:
            return
        left = self._left_behind()
        killed = self._stopping is not None and self._stopping.killed
        state = self.run.condition()
        self.attempt.record(ending, state.stop_asked or state.drain_asked, killed, left)
        self.attempt.let_go()
        self._lingering = True
        if self._stopping is not None:
            self._stopping.main_ended(now)
        elif left and self.run.spec().leftovers == "kill":
            self._climb("stop", now, self.run.spec().grace_s)

    def _left_behind(self) -> int:
        """How many helpers outlive the main process; those that end with it are not counted."""
        tree = self._tree()
        if not tree.members():
            return 0
        time.sleep(_SETTLE_S)
        return len(tree.members())

    def _reap_orphans(self) -> None:
        """Zombies of helpers that became our children; the main process's is kept until its end is durable."""
        main = self.attempt.main
        kept = main.pid if main is not None and main.own else 0
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None or found.si_pid == kept:
                return
            os.waitpid(found.si_pid, os.WNOHANG)

    def _climb_on(self, now: float) -> None:
        """Takes the ladder's next step while anything lives; tells when nothing does any more."""
        if self.attempt.main is None and self._lingering and self._is_empty():
            state = self.run.condition()
            if state.leftovers or state.kill_pending or state.state == states.STOPPING:
                self.run.append(kinds.EMPTIED, attempt=self.attempt.number)
            self.attempt.empty()
            self._stopping, self._lingering = None, False
        elif self._stopping is not None:
            self._stopping.step(self._tree(), now)

    def _is_empty(self) -> bool:
        thorough = self._stopping is not None or not self._ours
        return not self._tree().members(thorough)

    def _tree(self) -> Tree:
        return tree_of(self.attempt, self._ours, (self.partner,))

    # ------------------------------------------------------------ what follows

    def _go_on(self, now: float) -> float:
        """Nothing lives: the next attempt, a pause before it, or the end. When something is due again."""
        state, spec = self.run.condition(), self.run.spec()
        if state.state == states.STOPPING:  # it was stopped before its first instruction
            self.attempt.record_nothing(state.stop_asked or state.drain_asked)
            return now
        if self._closing or (state.finished and not state.start_asked):
            self.over = True
            return now
        before = restart.past(self.run.events(), boot.boot_id(), spec.restart.healthy_s)
        step = restart.next_step(spec, state, before, now, chance())
        if step.act == restart.WAIT:
            return step.until
        if step.act == restart.START:
            self._begin(state)
        elif step.act == restart.BACK_OFF:
            self._back_off(state.attempt + (not before.transient), step, now)
        else:
            self._finish(step)
        return now

    def _begin(self, state: Condition) -> None:
        number = state.upcoming or state.attempt + 1
        if state.state == states.STARTING:
            number = state.attempt  # nothing of it was executed
        self.attempt = Attempt(self.run, number, self._role)
        self._ours, self._stopping, self._lingering = True, None, False
        refused = self.attempt.begin(self.run.spec(), self._login)
        if refused is not None:
            self.attempt.refuse(refused)

    def _back_off(self, number: int, step: restart.Next, now: float) -> None:
        self.run.append(
            kinds.BACKOFF,
            attempt=number,
            delay_s=step.delay_s,
            until=now + step.delay_s,
            counted=step.counted,
        )

    def _finish(self, step: restart.Next) -> None:
        if step.act == restart.CRASH_LOOP:
            window_s = self.run.spec().restart.window_s
            self.run.append(kinds.CRASH_LOOP, restarts=step.restarts, window_s=window_s)
        self.run.append(kinds.FINISHED)
        self.over = True
