"""The sessions of a fleet: one task a node, begun, retried and ended by name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from console.channels import bundle
from console.channels.channel import Dialer
from console.fleet.events import Event, LinkLost
from console.fleet.model import NodeSpec, Problem, ProblemKind
from console.sessions.clock import Clock
from console.sessions.session import Session
from workers.protocol import Configure

CLOSING_S = 2.0  # for one session that does not let go


class Roster:
    """What runs for each node. `emit` is called in the event loop with each event."""

    def __init__(
        self, dialers: Callable[[NodeSpec], Dialer], emit: Callable[[Event], None], clock: Clock
    ) -> None:
        self._dialers = dialers
        self._emit = emit
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._runs: dict[str, asyncio.Task[None]] = {}
        self.sessions: Mapping[str, Session] = MappingProxyType(self._sessions)

    def open(self, spec: NodeSpec, wanted: Configure) -> None:
        """Begins a node's session, which asks for `wanted` from its first hello on."""
        session = Session(spec, self._dialers(spec), self._emit, bundle.build(), self._clock)
        session.configure(wanted)
        self._sessions[spec.name] = session
        self._run(spec.name, session)

    def retry(self, node: str) -> None:
        """Tries to reach a node now; an unknown node is ignored."""
        session, run = self._sessions.get(node), self._runs.get(node)
        if session is None or run is None:
            return
        if run.done():
            self._run(node, session)
        else:
            session.retry()

    async def end(self, node: str) -> None:
        """Ends a node's session, within CLOSING_S twice where it does not let go."""
        session, run = self._sessions.pop(node, None), self._runs.pop(node, None)
        if run is not None:
            run.cancel()
            await asyncio.wait([run], timeout=CLOSING_S)
        if session is not None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(session.close(), CLOSING_S)

    def _run(self, node: str, session: Session) -> None:
        run = asyncio.create_task(session.run(), name=f"session {node}")
        run.add_done_callback(lambda task: self._ended(node, task))
        self._runs[node] = run

    def _ended(self, node: str, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            text = f"the console's own session failed: {type(error).__name__}: {error}"
            problem = Problem(ProblemKind.AGENT_FAILED, text, "Retry; report it if it comes back.")
            self._emit(LinkLost(node, self._clock.monotonic(), problem, 0, None))
