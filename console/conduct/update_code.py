"""Git on each node, batch by batch: the next when the workers of this one get on, none after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from console.conduct import gate, git
from console.conduct.ending import conclude
from console.conduct.orders import Orders
from console.conduct.program import Conductor
from console.conduct.repository import Repository, Stuck, Updated
from console.conduct.score import Score, Share
from console.conduct.telling import DONE, FAILED, RUNNING, SKIPPED, WAITING
from console.errors import UsageError
from console.fleet.workers import WorkerView
from console.operations.code_versions import CodeVersion, CodeVersions

NEVER = (
    "overwrite or drop a local change",
    "move a branch but forward",
    "go on to the next batch after a failure",
)
_TIDY_S = 20.0  # of the grace time: a node is not left between two commits
_Result = TypeVar("_Result")


def plan(orders: Orders) -> Score:
    """Raises UsageError."""
    repo, ref = _asked(orders)
    target = git.Target("COMMIT", ref or "BRANCH", True)
    stash = orders.flag("auto_stash")
    commands = (
        git.LOOK, git.FETCH, git.refs_named(ref or "BRANCH"),
        *((git.PUT_ASIDE,) if stash else ()),
        *git.moves(git.Version("", ""), target),
        *((git.TAKE_BACK,) if stash else ()),
    )  # fmt: skip
    size = _batch(orders)
    shares = tuple(
        Share(node, f"batch {place // size + 1}: {repo} goes to {ref or 'the newest of its branch'}",
              commands, ("workers that run in it are started again, and must progress",))
        for place, node in enumerate(orders.sources)
    )  # fmt: skip
    refusals = () if shares else ("there is no node to update",)
    return Score(f"code on {len(shares)} nodes, {size} at a time", shares, NEVER, refusals)


def _asked(orders: Orders) -> tuple[str, str]:
    repo, ref = orders.text("repo"), orders.text("ref")
    if not repo or ref.startswith("-"):
        raise UsageError(
            "document: options.repo and options.ref: a folder, and a branch, tag or commit"
        )
    return repo, ref


def _batch(orders: Orders) -> int:
    return max(1, int(orders.number("batch", 1)))


@dataclass
class _Batch:
    """`going`: the workers that ran in each node's repository before."""

    nodes: tuple[str, ...]
    updated: dict[str, Updated] = field(default_factory=dict)
    going: dict[str, list[WorkerView]] = field(default_factory=dict)
    failed: bool = False


async def run(conductor: Conductor) -> int:
    """Raises UsageError."""
    return await _Rollout(conductor).run()


class _Rollout:
    def __init__(self, conductor: Conductor) -> None:
        self._orders, self._runtime = conductor.orders, conductor.runtime
        self._telling = conductor.telling
        self._path, self._ref = _asked(conductor.orders)
        self._within_s = conductor.orders.number("healthy_within_s", 120.0)
        self._versions = CodeVersions()
        self._unreached = 0

    async def run(self) -> int:
        nodes, size = self._orders.sources, _batch(self._orders)
        self._telling.begin(nodes)
        for place in range(0, len(nodes), size):
            batch = _Batch(nodes[place : place + size])
            await self._roll(batch)
            if batch.failed:
                self._pause(nodes[place + size :])
                break
        return conclude(self._telling, self._unreached, self._words())

    async def _roll(self, batch: _Batch) -> None:
        await _unbroken(asyncio.gather(*(self._update(node, batch) for node in batch.nodes)))
        views = [view for node in batch.updated for view in batch.going.get(node, ())]
        if not views:
            return
        self._telling.say(phase="gate", message=f"{len(views)} workers are started again")
        bad = await gate.again(self._runtime, views, self._within_s)
        if bad:
            batch.failed = True
            await _unbroken(self._undo(batch, bad))

    async def _update(self, node: str, batch: _Batch) -> None:
        if node not in self._runtime.store.nodes:
            self._unreached += 1
            self._fail(node, "it is not in the settings of this console")
            return
        self._telling.part(node, state=RUNNING, message="")
        repository = Repository(self._runtime, node, self._path)
        try:
            going = await gate.of_repository(self._runtime, node, self._path)
            updated = await repository.update(self._ref, self._orders.flag("auto_stash"))
        except Stuck as error:
            # A node that cannot be reached was not touched: the others can still be updated.
            self._unreached += not error.reached
            batch.failed = batch.failed or error.reached
            self._fail(node, str(error))
            return
        self._note(node, updated.after)
        self._telling.part(node, state=DONE, message=updated.words)
        self._telling.log(f"{node}: {updated.words}")
        if updated.changed:
            batch.updated[node], batch.going[node] = updated, going

    async def _undo(self, batch: _Batch, bad: dict[str, str]) -> None:
        """The whole batch goes back: what its workers say of one node may well hold for all."""
        why = "; ".join(f"{name}: {text}" for name, text in bad.items())
        for node, updated in batch.updated.items():
            repository = Repository(self._runtime, node, self._path)
            try:
                await repository.back(updated.before)
                self._note(node, updated.before)
                words = f"rolled back to {updated.before.words}"
            except Stuck as error:
                words = f"NOT rolled back: {error}"
            views = batch.going.get(node, ())
            await self._runtime.workers.act([view.key for view in views], "restart")
            self._fail(node, f"{why}; {words}")

    def _pause(self, rest: tuple[str, ...]) -> None:
        for node in rest:
            self._telling.part(node, state=SKIPPED, message="untouched: a batch before it failed")

    def _fail(self, node: str, text: str) -> None:
        self._telling.part(node, state=FAILED, message=text)
        self._telling.log(f"{node}: {text}")

    def _words(self) -> str:
        failed, rest = self._telling.names(FAILED), self._telling.names(SKIPPED, WAITING)
        if not failed:
            return ""
        untouched = f"; untouched: {', '.join(rest)}" if rest else ""
        return f"failed on {', '.join(failed)}{untouched}"

    def _note(self, node: str, version: git.Version) -> None:
        found = CodeVersion(version.commit, version.branch, version.dirty, version.environment)
        try:
            self._versions.note(node, self._path, found)
        except OSError as error:
            self._telling.log(
                f"{self._versions.path}: {error.strerror}: the version is not on record"
            )
        self._telling.say(extra={"versions": self._versions.of_path(self._path)})


async def _unbroken(work: Awaitable[_Result]) -> _Result:
    """`work`, which a stop does not end in its midst; raises CancelledError once it is through."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=_TIDY_S)
        raise
