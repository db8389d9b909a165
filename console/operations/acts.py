"""How every action is done: the guard is asked, the audit log told, and only then something is sent."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from console.errors import QuarterdeckError, Refused, RequestLost, UsageError
from console.operations.audit import AuditEntry, AuditLog
from console.operations.guard import Guard
from console.sessions.session import Session


class Act:
    """One action under way; its `result` is what the audit log will say."""

    def __init__(self) -> None:
        self.result = "done"


class Acts:
    """The way to the nodes for everything in this room."""

    def __init__(self, sessions: Mapping[str, Session], guard: Guard, audit: AuditLog) -> None:
        self._sessions = sessions
        self._guard = guard
        self._audit = audit

    @property
    def who(self) -> str:
        """user@host of this console, as the audit log has it."""
        return self._audit.who

    def session(self, node: str) -> Session:
        """The session of a node. Raises UsageError for a name that is not known."""
        if node in self._sessions:
            return self._sessions[node]
        near = difflib.get_close_matches(node, self._sessions, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"there is no node named {node}{meant}")

    async def ask(self, node: str, message: Any, timeout_s: float = 10.0) -> Any:
        """A request that changes nothing there."""
        return await self.session(node).request(message, timeout_s)

    @asynccontextmanager
    async def action(
        self, node: str, verb: str, argv: Sequence[str], changes: bool = True
    ) -> AsyncIterator[Act]:
        """Around one command to a node, or to the console itself (`node` ""). Raises Refused.

        A command that changes something is refused while read-only; each is written down.
        """
        with self.recorded(node, verb, argv, changes) as act:
            yield act

    @contextmanager
    def recorded(
        self, node: str, verb: str, argv: Sequence[str], changes: bool = True
    ) -> Iterator[Act]:
        """As `action`, for what needs no waiting."""
        entry = self._audit.asked(node, verb, argv)
        act = Act()
        try:
            if changes:
                self._guard.check(verb)
            yield act
        except BaseException as error:
            self._audit.ended(entry, _outcome(error))
            raise
        self._audit.ended(entry, act.result)

    def recent(self, count: int = 100) -> list[AuditEntry]:
        """The last commands, newest first."""
        return self._audit.tail(count)


def _outcome(error: BaseException) -> str:
    if isinstance(error, Refused):
        return f"refused: {error}"
    if isinstance(error, RequestLost):
        return f"unknown: {error}"
    if isinstance(error, asyncio.CancelledError):
        return "unknown: given up before the answer came"
    if isinstance(error, QuarterdeckError):
        return f"failed: {error}"
    return f"failed: {type(error).__name__}"
