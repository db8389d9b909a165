"""Code on a node: real git through the node's real agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.conduct import git
from console.conduct.gate import within
from console.conduct.git import Target, Version
from console.conduct.repository import Repository, Stuck
from console.operations.code_versions import CodeVersion, CodeVersions
from tests.conduct import repositories
from tests.conduct.repositories import Origin, head, status
from tests.running import sweep
from tests.runtimes import runtime_of, settings_file, up

OID = "a" * 40


def test_what_git_says() -> None:
    text = f"# branch.oid {OID}\n# branch.head main\n# branch.ab +0 -1\n1 .M N… a\n2 R. N… b\nu UU N… c\n"
    assert git.version_of(text) == Version(OID, "main", 3)
    assert git.version_of(f"# branch.oid {OID}\n# branch.head (detached)\n") == Version(OID, "")
    for bad in ("", "# branch.oid (initial)\n# branch.head main\n", "fatal: not a repository"):
        with pytest.raises(ValueError):
            git.version_of(bad)


def test_a_branch_comes_before_a_tag_of_its_name() -> None:
    both = f"refs/remotes/origin/v1 {OID} \nrefs/tags/v1 {'b' * 40} {'c' * 40}\n"
    assert git.target_of("v1", both) == Target(OID, "v1")
    assert git.target_of("v1", f"refs/tags/v1 {'b' * 40} {'c' * 40}\n") == Target("c" * 40)
    assert git.target_of("v", "refs/tags/v1 x\n") is None


def test_whose_code_a_worker_runs() -> None:
    assert within("", "~/run", "~/run")
    assert within("sub/x", "~/run", "~/run")
    assert within("~/run/sub", "run", "")
    assert not within("~/runs", "~/run", "~/run")
    assert not within("", "code", "~/run")


def test_versions_are_kept(tmp_path: Path) -> None:
    versions = CodeVersions(tmp_path / "a" / "v.json", lambda: 7.0)
    versions.note("gpu-1", "~/run", CodeVersion(OID, "main", 1, "/usr 3.11"))
    assert CodeVersions(versions.path).of("gpu-1")["~/run"].words == "main aaaaaaaaaa*"
    assert versions.of_path("~/run")["gpu-1"]["at"] == 7.0
    versions.path.write_text("{")
    assert versions.of("gpu-1") == {}


class World:
    def __init__(self, origin: Origin, clone: Path, repository: Repository) -> None:
        self.origin, self.clone, self.repository = origin, clone, repository

    async def stuck(self, ref: str, auto_stash: bool = False) -> str:
        """Why it does not go there; nothing is changed then."""
        before = (head(self.clone), status(self.clone), (self.clone / "code.txt").read_text())
        with pytest.raises(Stuck) as stuck:
            await self.repository.update(ref, auto_stash)
        now = (head(self.clone), status(self.clone), (self.clone / "code.txt").read_text())
        assert now[0] == before[0]
        assert now[1].splitlines()[1:] == before[1].splitlines()[1:]  # but how far behind it is
        assert now[2] == before[2]
        return str(stuck.value)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    settings_file(tmp_path, "nodes: [local]\n")
    origin = Origin(tmp_path / "origin")
    clone = origin.clone(tmp_path / "my code")
    try:
        async with runtime_of(tmp_path) as runtime:
            await up(runtime)
            yield World(origin, clone, Repository(runtime, "local", "~/my code"))
    finally:
        sweep(tmp_path)


async def test_forward_back_and_elsewhere(world: World) -> None:
    first = head(world.clone)
    two = world.origin.commit("two")
    updated = await world.repository.update("", False)
    assert (updated.before.commit, updated.after.commit, head(world.clone)) == (first, two, two)
    assert updated.after.environment.count(".") >= 1
    assert not (await world.repository.update("main", False)).changed
    await world.repository.back(updated.before)
    assert (head(world.clone), status(world.clone)) == (first, "## main...origin/main [behind 1]")
    # A branch that is not there yet, a tag, and a commit.
    side = world.origin.commit("side", "side")
    assert (await world.repository.update("side", False)).after.branch == "side"
    assert head(world.clone) == side
    repositories.git(world.origin.folder, "tag", "-a", "-m", "x", "v1", two)
    found = await world.repository.update("v1", False)
    assert (found.after.commit, found.after.branch) == (two, "")
    assert (await world.repository.update(first, False)).after.commit == first
    await world.repository.back(found.after)
    assert head(world.clone) == two


async def test_local_changes(world: World) -> None:
    code = world.clone / "code.txt"
    code.write_text(code.read_text().replace("last", "mine"))
    two = world.origin.commit("two")
    assert "1 file changed: nothing was done; auto_stash" in await world.stuck("main")
    updated = await world.repository.update("main", True)
    assert updated.after.dirty == 1
    assert (head(world.clone), code.read_text().splitlines()[0]) == (two, "two")
    assert code.read_text().endswith("mine\n")
    assert repositories.git(world.clone, "stash", "list") == ""
    await world.repository.back(updated.before)
    assert code.read_text().splitlines()[0] == "one"
    assert code.read_text().endswith("mine\n")


async def test_changes_that_conflict_are_a_failure_and_all_is_as_it_was(world: World) -> None:
    code = world.clone / "code.txt"
    code.write_text(code.read_text().replace("one", "mine"))
    world.origin.commit("two")
    why = await world.stuck("main", True)
    assert "they conflict" in why
    assert "; rolled back to main" in why
    assert code.read_text().startswith("mine\n")
    assert repositories.git(world.clone, "stash", "list") == ""


async def test_what_cannot_go_forward(world: World) -> None:
    assert "no such branch, tag or commit" in await world.stuck("no-such")
    assert "is on no branch" in await world.stuck("-x")
    (world.clone / "code.txt").write_text("own\n")
    repositories.git(world.clone, "commit", "-a", "-m", "own")
    world.origin.commit("two")
    assert "rolled back to main" in await world.stuck("main")
    elsewhere = Repository(world.repository._runtime, "local", "~/no such")
    with pytest.raises(Stuck, match="look"):
        await elsewhere.update("main", False)
