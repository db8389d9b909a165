"""Processes of a node: all of them, one in detail, a signal to one by its identity."""

from __future__ import annotations

from console.errors import UsageError
from console.operations.acts import Acts
from workers.protocol import (
    DescribeProcess,
    ListProcesses,
    ProcessDetails,
    ProcessIdentity,
    ProcessTable,
    SignalOutcome,
    SignalProcess,
)

SIGNALS = ("TERM", "KILL", "INT", "STOP", "CONT")


class ProcessOperations:
    def __init__(self, acts: Acts) -> None:
        self._acts = acts

    async def list(self, node: str) -> ProcessTable:
        """All processes. Raises RequestFailed, RequestLost, UsageError."""
        table: ProcessTable = await self._acts.ask(node, ListProcesses(), 15.0)
        return table

    async def describe(self, node: str, identity: ProcessIdentity) -> ProcessDetails:
        """What the system tells about one. Raises as `list`; RequestFailed "gone" where it ended."""
        details: ProcessDetails = await self._acts.ask(node, DescribeProcess(identity), 15.0)
        return details

    async def signal(self, node: str, identity: ProcessIdentity, name: str) -> SignalOutcome:
        """Sends TERM, KILL, INT, STOP or CONT to this very process and no other.

        Raises Refused, RequestFailed (nothing was sent), RequestLost (unknown), UsageError.
        """
        signal = name.upper().removeprefix("SIG")
        if signal not in SIGNALS:
            raise UsageError(f"{name}: wanted one of {', '.join(SIGNALS)}")
        argv = ["kill", f"-{signal}", str(identity.pid), f"start={identity.start_ticks}"]
        async with self._acts.action(node, "processes.signal", argv) as act:
            outcome: SignalOutcome = await self._acts.ask(node, SignalProcess(identity, signal))
            act.result = outcome.reason
        return outcome
