"""Ad-hoc commands: one command on several nodes, what each said, and how each ended.

On its node a command is a worker that is never started again, so it outlives a console that goes. One that
was collected to its end is forgotten there.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Sequence

from console.errors import QuarterdeckError, UsageError
from console.operations.command_output import CommandOutput
from console.operations.outcomes import Verdict, verdict_of
from console.operations.reach import Reach
from console.operations.recipes import StartRequest, shown
from console.operations.start_plan import planned
from console.operations.waiting import is_over, record_of, until
from console.operations.workers import WorkerOperations
from workers.protocol import LogChunk, OpenTail, WorkerRecord, WorkerSpec

GRACE_S = 5.0
OVER_WITHIN_S = 30.0  # after the end of its output
AWAY_S = 30.0  # a node that is down for so long is not waited for
_FOR_EVER_S = 10.0 * 365 * 86_400


class CommandRun:
    """One command on its nodes. `results` are in the nodes' order and change while it runs."""

    def __init__(
        self, workers: WorkerOperations, specs: dict[str, WorkerSpec], timeout_s: float | None
    ) -> None:
        first = next(iter(specs.values()))
        self.command = first.command
        self.shown = shown(first)
        self.results = [CommandOutput(node, spec.run_id) for node, spec in specs.items()]
        self._workers = workers
        self._specs = specs
        self._timeout_s = timeout_s
        self._tasks = [asyncio.create_task(self._on(result)) for result in self.results]

    @property
    def over(self) -> bool:
        return all(task.done() for task in self._tasks)

    async def wait(self) -> list[CommandOutput]:
        """The results once all nodes are through."""
        await asyncio.gather(*self._tasks)
        return self.results

    def stop(self) -> None:
        """Stops it where it still runs; what it said so far stays."""
        keys = [(one.node, one.run_id) for one in self.results if one.verdict is None]
        if keys:
            self._tasks.append(asyncio.create_task(self._stop(keys)))

    def leave(self) -> None:
        """Collects no more; what runs goes on there."""
        for task in self._tasks:
            task.cancel()

    # ------------------------------------------------------------ one node

    async def _on(self, result: CommandOutput) -> None:
        spec, reach = self._specs[result.node], self._workers.reach
        argv = [spec.run_id, "--", *spec.command]
        try:
            async with reach.acts.action(result.node, "commands.run", argv) as act:
                await reach.surely(result.node, lambda backend: backend.start(spec))
                result.step = "running"
                await self._collect(result, reach)
                act.result = result.words
        except QuarterdeckError as error:
            verdict = verdict_of(error)
            started = result.step == "running"
            result.fail(
                Verdict.UNKNOWN if started and verdict is Verdict.UNREACHABLE else verdict,
                str(error),
            )

    async def _collect(self, result: CommandOutput, reach: Reach) -> None:
        """Its output to the end, however often the link breaks; a node that stays away is given up."""
        limit = asyncio.create_task(self._limit(result))
        away = asyncio.create_task(self._away(result, reach))
        end = asyncio.create_task(self._end(result, reach))
        try:
            await asyncio.wait((end, away), return_when=asyncio.FIRST_COMPLETED)
            record = end.result() if end.done() else None
        finally:
            for task in (limit, away, end):
                task.cancel()
        if record is None:
            where = f"run {result.run_id[:12]} goes on or is kept there"
            result.fail(Verdict.UNKNOWN, f"{result.node}: its end was not seen; {where}")
            return
        result.end(record)
        with contextlib.suppress(QuarterdeckError):  # then retention takes it away one day
            await reach.backend(result.node).forget(result.run_id)

    async def _end(self, result: CommandOutput, reach: Reach) -> WorkerRecord | None:
        ask = OpenTail(result.run_id, follow=True, back_bytes=-1)
        async with contextlib.aclosing(reach.backend(result.node).tail(ask)) as pieces:
            async for piece in pieces:
                if isinstance(piece, LogChunk):
                    result.add(piece.which, piece.data)
        return await self._over(result, reach)

    async def _away(self, result: CommandOutput, reach: Reach) -> None:
        """Ends when the node has been without a link for long."""

        def gone() -> bool:
            node = reach.store.nodes.get(result.node)
            return node is None or node.state not in ("up", "stale")

        while True:
            await until(reach.store, gone, _FOR_EVER_S)
            if not await until(reach.store, lambda: not gone(), AWAY_S):
                return

    async def _over(self, result: CommandOutput, reach: Reach) -> WorkerRecord | None:
        """Its record when it is over: as told just now, or as soon as it is reported."""
        record = (
            await reach.surely(result.node, lambda backend: backend.describe(result.run_id, 0))
        ).record
        if is_over(record):
            return record

        def over() -> bool:
            found = record_of(reach.store, result.node, result.run_id)
            return found is not None and is_over(found) is True

        await until(reach.store, over, OVER_WITHIN_S)
        found = record_of(reach.store, result.node, result.run_id)
        return found if found is not None and is_over(found) else None

    async def _limit(self, result: CommandOutput) -> None:
        if self._timeout_s is None:
            return
        await asyncio.sleep(self._timeout_s)
        result.timed_out_s = self._timeout_s
        await self._stop([(result.node, result.run_id)])

    async def _stop(self, keys: list[tuple[str, str]]) -> None:
        await asyncio.gather(*(self._workers.stop_run(node, run_id) for node, run_id in keys))


class CommandOperations:
    def __init__(self, workers: WorkerOperations) -> None:
        self._workers = workers
        self._runs: set[CommandRun] = set()

    def begin(
        self,
        nodes: Sequence[str],
        command: Sequence[str],
        timeout_s: float | None = None,
        directory: str = "",
    ) -> CommandRun:
        """Runs `command`, an argument list and no shell line, on each of the nodes (names or selectors).

        After `timeout_s` it is stopped where it still runs. Raises Refused while read-only, UsageError.
        """
        if not nodes:
            raise UsageError("on which nodes? --nodes SELECTOR says it")
        reach = self._workers.reach
        name = f"run-{secrets.token_hex(4)}"
        request = StartRequest(
            tuple(nodes), "", tuple(command), name, directory=directory, grace_s=GRACE_S,
            kind="command",
        )  # fmt: skip
        plan = planned(request, (), reach.store.nodes, reach.acts.who)
        specs = {start.node: start.spec for start in plan.starts}
        with reach.acts.recorded("", "commands.run", [*plan.nodes, "--", *command]):
            run = CommandRun(self._workers, specs, timeout_s)
        self._runs = {one for one in self._runs if not one.over} | {run}
        return run

    def close(self) -> None:
        """Collects no more; what runs goes on there."""
        for run in self._runs:
            run.leave()
