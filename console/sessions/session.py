"""One node's live link: dialled, started, kept, and made again when it is lost.

What arrives leaves as events under the session's own node name. A problem that needs a person is not
tried again before `retry()`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any

from console.channels.bundle import Bundle
from console.channels.channel import Channel, Dialer
from console.errors import LinkError, RequestFailed
from console.fleet.events import Event, LinkLost, LinkOpening, LinkUp
from console.fleet.model import NodeSpec, Problem, ProblemKind
from console.sessions import bootstrap, greeting
from console.sessions.backoff import HEALTHY_S, Backoff
from console.sessions.clock import SYSTEM_CLOCK, Clock, Instant
from console.sessions.intake import Intake
from console.sessions.link import Link, Violation
from console.sessions.tail import follow
from console.text import one_line
from workers.protocol import (
    Configure,
    LogChunk,
    OpenTail,
    TailEnded,
    TailNote,
    WatchWorkers,
    encode_message,
)

_log = logging.getLogger(__name__)

WATCH_S = 1.0  # how often a waiting session looks whether the machine slept
THROTTLED_S = 60.0  # a server that counts our tries against us (PerSourcePenalties) is left alone


class Session:
    """The link to one node. `emit` is called in the event loop with each event."""

    def __init__(
        self,
        spec: NodeSpec,
        dialer: Dialer,
        emit: Callable[[Event], None],
        bundle: Bundle,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._node = spec.name
        self._dialer = dialer
        self._emit = emit
        self._bundle = bundle
        self._clock = clock
        self._wanted = Configure(root=spec.root, disks=spec.disks, datasets=spec.datasets)
        self._watching = WatchWorkers()
        self._backoff = Backoff()
        self._attempt = 0
        self._strikes = 0
        self._up_at: float | None = None
        self._link: Link | None = None
        self._linked = asyncio.Event()
        self._closed = False
        self._retry = asyncio.Event()
        self._waits_for_person = False
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Keeps the link until it is cancelled or closed."""
        self._task = asyncio.current_task()
        while True:
            self._attempt += 1
            self._retry.clear()
            try:
                await self._live()
            except LinkError as error:
                problem = self._judge(error)
            except Exception as error:  # whatever it is, it is this node's alone
                _log.exception("session of %s", self._node)
                problem = Problem(
                    ProblemKind.LOST, f"{type(error).__name__}: {one_line(str(error))}"
                )
            await self._wait(problem)

    def watch_workers(self, message: WatchWorkers) -> None:
        """What is wanted to be known and kept of the workers: sent now, and again after each hello."""
        if message != self._watching:
            self._watching = message
            if self._link is not None:
                self._link.send(message)

    def configure(self, message: Configure) -> None:
        """What is wanted from the agent: sent now, and again after each hello."""
        if message != self._wanted:
            self._wanted = message
            if self._link is not None:
                self._link.send(message)

    async def request(self, message: Any, timeout_s: float = 10.0) -> Any:
        """The agent's reply. Raises RequestFailed (nothing was done) and RequestLost (unknown)."""
        if self._link is None:
            raise RequestFailed("not_connected", f"{self._node} is not connected; nothing was sent")
        return await self._link.request(message, timeout_s)

    def tail(self, want: OpenTail) -> AsyncGenerator[LogChunk | TailNote | TailEnded, None]:
        """A log as it comes, in order, each byte once, over lost links; the last item is the ``TailEnded``.

        Close it (``aclose``) when it is not read to its end. Raises RequestFailed where the agent refuses,
        or where there is no link and `want` does not follow.
        """
        return follow(want, self._next_link)

    async def _next_link(self, wait: bool) -> Link:
        while wait and self._link is None and not self._closed:
            self._linked.clear()
            await self._linked.wait()
        if self._link is None:
            raise RequestFailed("not_connected", f"{self._node} is not connected; nothing was sent")
        return self._link

    def retry(self) -> None:
        """A person acted: try now; a standing link is probed."""
        self._strikes = 0
        self._waits_for_person = False
        self.network_changed()

    def network_changed(self) -> None:
        """A standing link is probed, a try that waits is made now, unless it waits for a person."""
        if self._waits_for_person:
            return
        self._backoff.reset()
        self._retry.set()
        if self._link is not None:
            self._link.probe()

    async def close(self) -> None:
        """Ends the link and what the dialer keeps."""
        self._closed = True
        self._linked.set()
        task = self._task
        if task is not None and task is not asyncio.current_task() and not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._dialer.close()

    # ------------------------------------------------------------ one life

    async def _live(self) -> None:
        self._progress("connecting")
        command = bootstrap.command(self._bundle)
        channel = await self._dialer.dial(command, self._progress)
        try:
            await self._serve(channel)
        finally:
            self._link = None
            await channel.close()

    async def _serve(self, channel: Channel) -> None:
        rest, noise = await self._start(channel)
        hello, rest = await greeting.receive(channel, rest, noise)
        intake = Intake(self._node, self._clock, self._emit)
        link = Link(channel, rest, self._clock, lambda message: intake.take(message, link))
        self._emit(LinkUp(self._node, self._clock.monotonic(), hello, self._clock.wall()))
        if self._wanted != self._sent:
            link.send(self._wanted)
        self._attempt, self._up_at, self._link = 0, self._clock.monotonic(), link
        self._linked.set()
        try:
            await link.serve()
        finally:
            intake.close()

    async def _start(self, channel: Channel) -> tuple[bytes, bytes]:
        self._progress("starting the agent")
        self._sent = self._wanted
        then = encode_message(self._sent) + encode_message(self._watching)
        if self._dialer.speaks_frames:
            await channel.write(then)
            return b"", b""
        started = await bootstrap.start_agent(channel, self._bundle, self._progress, then)
        return started.rest, started.noise

    def _progress(self, step: str) -> None:
        self._emit(LinkOpening(self._node, self._clock.monotonic(), max(1, self._attempt), step))

    # ------------------------------------------------------------ after a life

    def _judge(self, error: LinkError) -> Problem:
        """What looks like a broken agent may be a cut connection: it is started once more, then not."""
        if self._up_for_s() >= HEALTHY_S:
            self._strikes = 0
        problem = error.problem
        if not isinstance(error, (Violation, greeting.Unfinished, bootstrap.Silent)):
            return problem
        self._strikes += 1
        again = self._strikes < 2
        kind = ProblemKind.LOST if again else _lasting(problem.kind)
        return Problem(kind, problem.text, problem.remedy)

    def _up_for_s(self) -> float:
        return 0.0 if self._up_at is None else self._clock.monotonic() - self._up_at

    async def _wait(self, problem: Problem) -> None:
        now = self._clock.monotonic()
        delay_s = None if problem.sticky else self._backoff.delay_s(now, self._up_for_s())
        if delay_s is not None and problem.kind is ProblemKind.THROTTLED:
            delay_s += THROTTLED_S
        self._up_at = None
        retry_at = None if delay_s is None else now + delay_s
        self._waits_for_person = problem.sticky
        self._emit(LinkLost(self._node, now, problem, self._attempt, retry_at))
        while retry_at is None or self._clock.monotonic() < retry_at:
            left_s = WATCH_S if retry_at is None else retry_at - self._clock.monotonic()
            if await self._woken(min(WATCH_S, left_s), sticky=retry_at is None):
                return

    async def _woken(self, pause_s: float, sticky: bool) -> bool:
        """Pauses; True where the next try should be now."""
        before = Instant.now(self._clock)
        try:
            await asyncio.wait_for(self._retry.wait(), None if sticky else pause_s)
            return True
        except asyncio.TimeoutError:
            pass
        if before.slept_until(Instant.now(self._clock), pause_s):
            self._backoff.reset()
            return True
        return False


def _lasting(kind: ProblemKind) -> ProblemKind:
    return ProblemKind.AGENT_FAILED if kind is ProblemKind.LOST else kind
