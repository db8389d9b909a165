"""Links that are opened for a question and that nobody watches: to a machine that is no node of this console."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from console.channels.channel import Dialer
from console.errors import LinkError
from console.fleet.events import Event, LinkLost, LinkUp
from console.fleet.model import NodeSpec, Problem, ProblemKind
from console.sessions.clock import Clock
from console.sessions.roster import Roster
from workers.protocol import Configure

_QUIET = Configure(interest="off")


class Aside:
    """One link for each machine that was asked, kept until `close`. It makes no event of the fleet."""

    def __init__(self, dialers: Callable[[NodeSpec], Dialer], clock: Clock) -> None:
        self._roster = Roster(dialers, self._heard, clock)
        self._answers: dict[str, asyncio.Future[Problem | None]] = {}

    async def ask(self, spec: NodeSpec, message: Any, timeout_s: float) -> Any:
        """The reply to `message`. Raises LinkError, RequestFailed, RequestLost."""
        session = self._roster.sessions.get(spec.name)
        if session is None:
            self._answers[spec.name] = asyncio.get_running_loop().create_future()
            self._roster.open(spec, _QUIET)
            session = self._roster.sessions[spec.name]
        problem = await self._answered(spec.name, timeout_s)
        if problem is not None:
            raise LinkError(problem)
        return await session.request(message, timeout_s)

    async def close(self) -> None:
        """Ends every link."""
        names = tuple(self._roster.sessions)
        await asyncio.gather(*(self._roster.end(name) for name in names))
        self._answers.clear()

    async def _answered(self, name: str, timeout_s: float) -> Problem | None:
        answer = self._answers[name]
        done, _ = await asyncio.wait([answer], timeout=timeout_s)
        if done:
            return answer.result()
        return Problem(ProblemKind.TIMED_OUT, f"{name} did not answer within {timeout_s:.0f} s")

    def _heard(self, event: Event) -> None:
        """The newest word of a link counts: it may come back after it was lost."""
        if not isinstance(event, (LinkUp, LinkLost)):
            return
        answer = self._answers.get(event.node)
        if answer is None or answer.done():
            answer = self._answers[event.node] = asyncio.get_running_loop().create_future()
        answer.set_result(event.problem if isinstance(event, LinkLost) else None)
