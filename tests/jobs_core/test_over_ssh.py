"""Jobs whose nodes are reached by OpenSSH, with a real server: the way that the document names is the way it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.operations.outcomes import Target
from console.operations.waiting import is_over
from console.runtime import Runtime
from tests.running import sweep
from tests.runtimes import runtime_of, settings_file, up
from tests.sshd import Sshd

SETTINGS = """
nodes:
  - local
  - {{name: gpu-1, address: {host}, port: {port}, user: {user}, identity: {key}, root: {root}}}
ssh: {{known_hosts: [{known}]}}
datasets: [{{name: games, paths: ["data/*.jsonl"]}}]
jobs:
  - {{name: pull, kind: sync, datasets: [games]}}
  - {{name: there, kind: sync, sources: local, datasets: [games], destination: gpu-1, run_on: destination}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sshd: Sshd) -> Path:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    known = tmp_path / "known_hosts"
    known.write_text(sshd.known_hosts_line)
    words = {"host": sshd.host, "port": sshd.port, "user": sshd.user, "key": sshd.key}
    settings_file(tmp_path, SETTINGS.format(known=known, root=sshd.home, **words))
    for folder in (sshd.home, tmp_path):
        (folder / "data").mkdir()
        (folder / "data" / "a.jsonl").write_text('{"n": 1}\n{"n": 2}\n')
    return tmp_path


async def done(runtime: Runtime, name: str) -> str:
    plan = await runtime.jobs.plan(name)
    assert plan.ok, plan.refusals
    assert plan.reachable, plan.lines
    assert (plan.files, plan.bytes) == (1, 18)
    outcome = await runtime.jobs.start(plan)
    assert outcome.done, outcome
    (over,) = await runtime.workers.wait([Target(*outcome.key, name)], is_over, 30.0)
    assert over.record is not None
    assert over.record.exit_code == 0, over.record
    return outcome.node


async def test_it_is_brought_from_a_node_and_another_machine_plans(home: Path, sshd: Sshd) -> None:
    try:
        async with runtime_of(home) as running:
            await up(running)
            await up(running, "gpu-1")
            assert await done(running, "pull") == "local"
            told = await running.jobs.plan("there")
    finally:
        sweep(home)
        sweep(sshd.home)
    data = home / ".local/share/quarterdeck/data/games/gpu-1/data/a.jsonl"
    assert data.read_text() == (sshd.home / "data/a.jsonl").read_text()
    assert told.node == "gpu-1"
    assert not told.reachable
    assert "console's own machine" in "\n".join(told.lines)
