"""A console of another release connects: its agent finds the workers of this one, and the other way round."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.channels import bundle
from tests.faults_workers.desk import Desk, run_folders, state_of
from tests.running import runs_below
from tests.sshd import Sshd

OTHER = b"\n# another release\n"


def other_release() -> bundle.Bundle:
    """The same code with another digest, as a release that changed a comment."""
    sources = bundle.sources()
    sources["workers/contract.py"] += OTHER
    return bundle.pack(sources)


def bundles(server: Sshd) -> set[str]:
    return {path.name for path in Path(state_of(server.home) / "agents").glob("agent-*.pyz")}


async def test_workers_pass_from_one_release_to_another_and_back(
    desk: Desk, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.settings(desk.far(server))
    async with desk.console() as console:
        first = await console.start("first", "sleep", "600")
    mine, later = bundle.build(), other_release()
    assert mine.digest != later.digest
    monkeypatch.setattr(bundle, "build", lambda: later)
    async with desk.console() as console:
        now = await console.shows(first.run_id, lambda r: r.state == "running")
        assert (now.pid, now.attempt, now.flags) == (first.pid, 1, ())
        second = await console.start("second", "sleep", "600")
        # Each release obeys for the runs of the other.
        assert (await console.act(first.run_id, "restart")).done
        now = await console.shows(first.run_id, lambda r: r.attempt == 2 and r.state == "running")
    assert bundles(server) == {f"agent-{each.digest}.pyz" for each in (mine, later)}
    monkeypatch.setattr(bundle, "build", lambda: mine)
    async with desk.console() as console:
        for run_id, pid in ((first.run_id, now.pid), (second.run_id, second.pid)):
            again = await console.shows(run_id, lambda r: r.state == "running")
            assert again.pid == pid
        for run_id in (first.run_id, second.run_id):
            assert (await console.act(run_id, "stop")).done
            await console.shows(run_id, lambda r: r.state == "stopped")
    assert runs_below(server.home) == []
    assert len(run_folders(server.home)) == 2


async def test_a_supervisor_outlives_the_bundle_it_came_from(desk: Desk, server: Sshd) -> None:
    """The file it was loaded from is removed under it: it goes on, and restarts what it shall."""
    desk.settings(desk.far(server))
    async with desk.console() as console:
        started = await console.start("kept", "sleep", "600")
    for name in bundles(server):
        (state_of(server.home) / "agents" / name).unlink()
    async with desk.console() as console:
        now = await console.shows(started.run_id, lambda r: r.state == "running")
        assert (now.pid, now.attempt) == (started.pid, 1)
        assert (await console.act(started.run_id, "restart")).done
        await console.shows(started.run_id, lambda r: r.attempt == 2 and r.state == "running")
        assert (await console.act(started.run_id, "stop")).done
        await console.shows(started.run_id, lambda r: r.state == "stopped")
    assert bundles(server), "the agent was sent again"
