"""The repository of one node: what is there, to another commit, and back. Every step is an ad-hoc command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from console.conduct import git
from console.conduct.git import Target, Version
from console.errors import QuarterdeckError
from console.operations.command_output import CommandOutput
from console.operations.outcomes import Verdict
from console.runtime import Runtime
from console.text import one_line

STEP_S = 120.0
FETCH_S = 900.0


class Stuck(QuarterdeckError):
    """A step failed; the text says which and why. `reached` is False where nothing was sent."""

    def __init__(self, text: str, reached: bool = True) -> None:
        super().__init__(text)
        self.reached = reached


@dataclass(frozen=True)
class Updated:
    """`after` equals `before` where there was nothing to do. `stashed`: local changes are put aside still."""

    before: Version
    after: Version
    note: str = ""

    @property
    def changed(self) -> bool:
        return self.before.commit != self.after.commit

    @property
    def words(self) -> str:
        """`main 1a2b3c4d5e → main 5d6e7f8a9b`"""
        text = (
            f"{self.before.words} → {self.after.words}"
            if self.changed
            else f"{self.after.words}, as it was"
        )
        return f"{text}; {self.note}" if self.note else text


class Repository:
    """`path` as the node calls it."""

    def __init__(self, runtime: Runtime, node: str, path: str) -> None:
        self.node = node
        self._runtime = runtime
        self._path = path

    async def look(self) -> Version:
        """Raises Stuck."""
        text = await self._must(git.LOOK, "look")
        try:
            found = git.version_of(text)
        except ValueError as error:
            raise Stuck(f"{self._path}: {error}") from None
        environment = await self._run(git.ENVIRONMENT, STEP_S)
        lines = environment.lines
        return replace(
            found, environment=one_line(lines[0], 200) if environment.well and lines else ""
        )

    async def update(self, ref: str, auto_stash: bool) -> Updated:
        """Goes to `ref` ("": forward on its branch), or stays where it was. Raises Stuck, which says whether it
        was brought back."""
        before = await self.look()
        await self._must(git.FETCH, "fetch", FETCH_S)
        target = await self._target(ref or before.branch)
        if before.commit == target.commit and before.branch == (target.branch or before.branch):
            return Updated(before, before, await self._left_over())
        if before.dirty and not auto_stash:
            raise Stuck(
                f"{before.words}: nothing was done; auto_stash: true puts such changes aside and back"
            )
        stashed = before.dirty > 0
        if stashed:
            await self._must(git.PUT_ASIDE, "put local changes aside")
        try:
            for argv in git.moves(before, target):
                await self._must(argv, argv[6])
            if stashed:
                await self._must(git.TAKE_BACK, "take local changes back (they conflict)")
                stashed = False
            after = await self.look()
            self._must_be_there(after, target)
        except Stuck as error:
            raise Stuck(f"{error}; {await self._back_in_words(before, stashed)}") from None
        return Updated(before, after, await self._left_over())

    async def back(self, before: Version, stashed: bool = False) -> None:
        """To what `look` found, with its local changes. Raises Stuck."""
        now = git.version_of(await self._must(git.LOOK, "look"))
        if now.dirty and not stashed:  # local changes that were taken back already
            await self._must(git.PUT_ASIDE, "put local changes aside")
            stashed = True
        for argv in git.moves_back(before):
            await self._must(argv, argv[6])
        if stashed:
            await self._must(git.TAKE_BACK, "take local changes back")
        found = git.version_of(await self._must(git.LOOK, "look"))
        if found != replace(before, environment=""):
            raise Stuck(f"it is at {found.words}, and was at {before.words}")

    async def _back_in_words(self, before: Version, stashed: bool) -> str:
        try:
            await self.back(before, stashed)
        except Stuck as error:
            kept = f"; local changes are kept in the stash {git.STASH}" if stashed else ""
            return f"NOT rolled back: {error}{kept}"
        return f"rolled back to {before.words}"

    async def _target(self, ref: str) -> Target:
        if not ref or ref.startswith("-"):
            raise Stuck(f"{self._path}: is on no branch; ref: says where to")
        found = git.target_of(ref, await self._must(git.refs_named(ref), "read its refs"))
        if found is not None:
            return found
        done = await self._run(git.commit_named(ref), STEP_S)
        if not done.well:
            raise Stuck(f"{ref}: origin has no such branch, tag or commit; nothing was done")
        return Target(done.output(0).decode(errors="replace").strip())

    def _must_be_there(self, after: Version, target: Target) -> None:
        if after.commit != target.commit:
            raise Stuck(
                f"it is at {after.words}, not at {target.commit[:10]}: it has commits that origin has not"
            )

    async def _left_over(self) -> str:
        """What an update that was cut put aside is still there."""
        text = await self._must(git.STASHES, "list its stashes")
        if any(git.STASH in line for line in text.splitlines()):
            return "local changes of an earlier update are in the stash still: `git stash list`"
        return ""

    async def _must(self, argv: Sequence[str], what: str, timeout_s: float = STEP_S) -> str:
        done = await self._run(argv, timeout_s)
        if not done.well:
            said = "; ".join(one_line(line, 200) for line in done.lines[-2:])
            raise Stuck(
                f"{what}: {done.words}{': ' + said if said else ''}",
                reached=done.verdict is not Verdict.UNREACHABLE,
            )
        return done.output(0).decode(errors="replace")

    async def _run(self, argv: Sequence[str], timeout_s: float) -> CommandOutput:
        going = self._runtime.commands.begin([self.node], argv, timeout_s, self._path)
        (result,) = await going.wait()
        return result
