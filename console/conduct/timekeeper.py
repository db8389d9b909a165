"""Starts jobs when they are due, and remembers what it started: each time once, whoever dies when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from pathlib import Path

from console import formatting
from console.conduct import memory
from console.conduct.due import Due, due, next_after
from console.conduct.memory import Kept
from console.conduct.program import Conductor
from console.conduct.telling import RUNNING, WAITING
from console.conduct.zone import local_zone
from console.errors import LinkError, QuarterdeckError
from console.fleet.workers import WorkerView
from console.fleet.workers.words import actual
from console.operations.outcomes import Verdict
from workers.contract import EXIT_DONE

LOOK_EVERY_S = 5.0  # a clock that jumps is noticed within this
_AGAIN = frozenset({Verdict.REFUSED, Verdict.UNREACHABLE, Verdict.UNKNOWN})  # tried at each look


class Timekeeper:
    """``wall`` and ``zone`` give the time; ``file`` is its memory."""

    def __init__(
        self,
        conductor: Conductor,
        file: Path | None = None,
        wall: Callable[[], float] = time.time,
        zone: Callable[[], tzinfo] = local_zone,
    ) -> None:
        self._runtime = conductor.runtime
        self._telling = conductor.telling
        self._file = file or memory.place()
        self._wall = wall
        self._zone = zone
        self._jobs: dict[str, Kept] = {}
        self._told = ""

    async def run(self) -> int:
        """Until it is drained or cancelled."""
        self.recall()
        while not self._telling.draining:
            await self.turn()
            await asyncio.sleep(LOOK_EVERY_S)
        self._telling.say(phase="drained", message="starts no more jobs")
        return EXIT_DONE

    def recall(self) -> None:
        """Reads the memory. Without one, every job waits for its next time."""
        kept = memory.read(self._file)
        if kept.damaged:
            self._log(f"the memory of the schedule cannot be read and begins anew: {kept.damaged}")
        self._jobs = dict(kept.jobs)

    async def turn(self) -> None:
        """One look: what became due is noted on the disk, and then started."""
        schedules = {
            job.name: job.schedule for job in self._runtime.jobs.definitions() if job.schedule
        }
        try:
            self._note(schedules)
            for name in schedules:
                if self._jobs[name].due is not None:
                    await self._begin(name)
        except OSError as error:  # what is not on the disk is not begun
            self._complain(
                f"{self._file}: {error.strerror}: no job is started until it can be written"
            )
        else:
            self._say(schedules)

    # ------------------------------------------------------------ what is due

    def _note(self, schedules: Mapping[str, str]) -> None:
        now = self._wall()
        known = {n: k for n, k in self._jobs.items() if schedules.get(n) == k.schedule}
        found = due(schedules, {n: kept.seen for n, kept in known.items()}, now, self._zone())
        after = {
            name: known[name].but(seen=seen) if name in known else Kept(schedules[name], seen)
            for name, seen in found.seen.items()
        }
        for one in found.due:
            after[one.name] = after[one.name].but(due=one.at, run="", began=None)
            self._log(self._words(one))
        changed = found.due or after.keys() != known.keys() or known.keys() != self._jobs.keys()
        self._jobs = after
        if changed:
            self._write()

    def _words(self, one: Due) -> str:
        at = self._clock(one.at)
        if one.late or one.missed:
            times = f" and {one.missed} more before it" if one.missed else ""
            return f"{one.name}: was missed at {at}{times}; it is run once now"
        return f"{one.name}: due at {at}"

    # ------------------------------------------------------------ starting it

    async def _begin(self, name: str) -> None:
        kept = self._jobs[name]
        runs = self._runtime.jobs.runs(name)
        if kept.began is not None and any(view.record.run_id == kept.run for view in runs):
            self._set(name, due=None, said="started")  # whoever began it died before it said so
            return
        live = next((view for view in runs if view.live), None)
        if live is not None:
            self._set(name, due=None, began=None, said=self._still(kept, live))
            self._log(f"{name}: {self._jobs[name].said}")
            return
        try:
            await self._start(name)
        except LinkError as error:
            self._wait(name, str(error))
        except QuarterdeckError as error:
            self._give_up(name, str(error))

    async def _start(self, name: str) -> None:
        plan = await self._runtime.jobs.plan(name)
        if not plan.ok:
            self._give_up(name, "; ".join(plan.refusals))
            return
        self._set(name, run=plan.spec.run_id, began=self._wall())
        outcome = await self._runtime.jobs.start(plan)
        if outcome.done:
            self._set(name, due=None, said="started")
            self._log(f"{name}: started on {plan.node} as run {plan.spec.run_id[:12]}")
        elif outcome.verdict in _AGAIN and not self._runtime.read_only:
            self._wait(name, outcome.text)
        else:
            self._give_up(name, outcome.text)

    def _still(self, kept: Kept, live: WorkerView) -> str:
        at = self._clock(kept.due or 0.0)
        since = f" since {formatting.age(live.since_s)}" if live.since_s is not None else ""
        return f"not started at {at}: its last run is not over{since}"

    def _wait(self, name: str, why: str) -> None:
        said = f"waits: {why}"
        if self._jobs[name].said != said:
            self._log(f"{name}: {said}")
        self._set(name, said=said)

    def _give_up(self, name: str, why: str) -> None:
        self._set(name, due=None, began=None, said=f"not started: {why}")
        self._log(f"{name}: not started: {why}")

    def _set(self, name: str, **fields: object) -> None:
        before = self._jobs[name]
        self._jobs[name] = before.but(**fields)
        if self._jobs[name] != before:
            self._write()

    def _write(self) -> None:
        memory.write(self._file, self._jobs)

    # ------------------------------------------------------------ what is said

    def _say(self, schedules: Mapping[str, str]) -> None:
        now, zone = self._wall(), self._zone()
        ahead = {name: next_after(text, now, zone) for name, text in schedules.items()}
        self._telling.begin(schedules)
        for name, at in ahead.items():
            runs = self._runtime.jobs.runs(name)
            last = f"; last: {self._jobs[name].said or actual(runs[0].record)}" if runs else ""
            state = RUNNING if runs and runs[0].live else WAITING
            self._telling.part(name, state=state, message=f"{self._next(at)}{last}")
        soonest = (
            min((at, name) for name, at in ahead.items() if at) if any(ahead.values()) else None
        )
        text = (
            f"next: {soonest[1]}, {self._clock(soonest[0])}" if soonest else "no job has a schedule"
        )
        self._telling.say(phase="schedule", message=text, health="ok", blocked_because=None)

    def _next(self, at: float | None) -> str:
        return "never again" if at is None else f"next {self._clock(at)}"

    def _clock(self, at: float) -> str:
        return datetime.fromtimestamp(at, self._zone()).strftime("%a %d %b %H:%M")

    def _complain(self, text: str) -> None:
        if text != self._told:
            self._log(text)
        self._told = text
        self._telling.say(message=text, health="failed", blocked_because=text)

    def _log(self, text: str) -> None:
        self._telling.log(f"{datetime.fromtimestamp(self._wall(), self._zone()):%F %T} {text}")
