"""The orders of a job, compared with files that must hold for ever, and read by the code that obeys them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from console.channels.ssh.network import SshNetwork
from console.fleet.model import Transport
from console.operations.jobs.document import Stamp, document
from console.operations.jobs.hosts import hosts
from console.operations.jobs.selection import select
from console.operations.jobs.spec import lock_of, pieces, spec_of
from console.settings.jobs import JobSettings
from console.settings.model import Settings
from tests.fleet.world import World
from workers.jobs.document import parse

GOLDEN = Path(__file__).parent / "golden"
STAMP = Stamp("0123456789abcdef0123456789abcdef", "ada@desk", 1_790_000_000_000)
NODES = [
    {"name": "local"},
    {
        "name": "gpu-1",
        "address": "10.0.0.3",
        "user": "root",
        "identity": "~/key",
        "root": "~/run",
        "tags": ["x"],
    },
    {"name": "gpu-2", "address": "10.0.0.4", "user": "ada", "port": 2222, "jump": "me@bastion:23"},
]
SETTINGS = {
    "nodes": NODES,
    "datasets": [
        {"name": "hex8_2p", "paths": ["data/hex8_2p/**/*.jsonl"], "nodes": "tag:x"},
        {"name": "logs", "paths": ["logs/*.jsonl"]},
    ],
}
JOBS: dict[str, dict[str, Any]] = {
    "sync": {
        "kind": "sync",
        "bandwidth": "5MiB",
        "caps": [{"hosts": "tag:x", "concurrency": 1, "bandwidth": "512KiB"}],
        "timeout": "6h",
    },
    "push": {"kind": "sync", "direction": "push", "paths": ["models/best"], "sources": "gpu-1"},
    "aggregate": {"kind": "aggregate", "memory": "2GiB", "datasets": ["logs"]},
    "backup": {"kind": "backup", "remote": ":s3:bucket/run", "what": ["consolidated", "models"], "models": ["data/models"]},
    "restore": {"kind": "restore", "remote": "s3:bucket/run", "to": "~/back", "generation": 17},
    "prune": {"kind": "prune", "keep": "36h"},
    "update_code": {"kind": "update_code", "repo": "~/run", "ref": "main", "batch": 2},
    "command": {"kind": "command", "command": ["./collect.sh", "--all"]},
    "pipeline": {"kind": "pipeline", "steps": ["sync"]},
    "train": {"kind": "pipeline", "train": ["python", "t.py"], "source": "/mnt/z/data"},
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    (tmp_path / ".ssh").mkdir()
    os.system(f"ssh-keygen -q -t ed25519 -N '' -f {tmp_path}/key && cp {tmp_path}/key {tmp_path}/.ssh/id_ed25519")  # fmt: skip
    return tmp_path


def world_of(settings: Settings) -> World:
    world = World()
    for spec in settings.node_specs():
        world.add(
            **{k: getattr(spec, k) for k in spec.__dataclass_fields__ if k not in ("environment",)}
        )
        world.up(spec.name, key=f"key of {spec.name}")
    return world


async def orders(name: str, **changes: Any) -> dict[str, Any]:
    job = JobSettings.model_validate({"name": name, **JOBS[name], **changes})
    settings = Settings.model_validate({**SETTINGS, "training": {"mode": "native_sync"}})
    nodes = world_of(settings).store.nodes
    chosen = select(job, settings, nodes, "local")
    network = SshNetwork(settings.ssh)
    names = (*chosen.sources, chosen.destination, chosen.here)
    found = await hosts(job, names, nodes, chosen.here, network.unattended)
    return document(job, STAMP, chosen, found, settings, nodes)


@pytest.mark.parametrize("name", JOBS)
async def test_it_is_as_it_was(home: Path, name: str) -> None:
    made = json.loads(json.dumps(await orders(name)).replace(str(home), "/home/ada"))
    file = GOLDEN / f"{name}.json"
    if os.environ.get("QUARTERDECK_TEST_WRITE_GOLDEN"):
        file.write_text(json.dumps(made, indent=1) + "\n")
    assert made == json.loads(file.read_text())
    read = parse(made)
    assert (read.job, read.kind, read.run) == (name, made["kind"], STAMP.run)
    assert read.sources == tuple(made["sources"])


async def test_from_another_machine_its_own_keys_and_hosts_are_used(home: Path) -> None:
    made = await orders("sync", destination="gpu-2", run_on="destination", sources="*")
    assert made["here"] == "gpu-2"
    assert made["hosts"]["gpu-2"]["ssh"] is None
    ssh = made["hosts"]["gpu-1"]["ssh"]
    assert ssh[-2:] == ["--", "10.0.0.3"]
    assert str(home) not in " ".join(ssh)
    assert "StrictHostKeyChecking=yes" in ssh
    assert "BatchMode=yes" in ssh
    assert "console's own machine" in made["hosts"]["local"]["problem"]


async def test_a_key_that_asks_is_a_problem_and_the_agent_that_holds_it_is_none(home: Path) -> None:
    os.system(f"ssh-keygen -q -p -N secret -f {home}/key")
    made = await orders("sync")
    assert made["hosts"]["gpu-1"]["problem"] == (
        f"asks for a passphrase: {home}/key at gpu-1 (10.0.0.3); `ssh-add` it"
        if "gpu-1 (" in made["hosts"]["gpu-1"]["problem"]
        else f"asks for a passphrase: {home}/key at 10.0.0.3; `ssh-add` it"
    )
    assert made["hosts"]["gpu-2"]["problem"] is None


async def test_without_a_key_it_would_ask_for_a_password(home: Path) -> None:
    (home / ".ssh" / "id_ed25519").unlink()
    made = await orders("sync")
    assert "asks for a password at" in made["hosts"]["gpu-2"]["problem"]
    assert made["hosts"]["gpu-1"]["problem"] is None


async def test_the_run_carries_its_orders_in_pieces(home: Path) -> None:
    made = await orders("sync")
    settings = Settings.model_validate(SETTINGS)
    nodes = {spec.name: spec for spec in settings.node_specs()}
    job = JobSettings(name="sync", kind="sync")
    big = {**made, "datasets": [{"name": f"d{n}", "paths": ["ä" * 50]} for n in range(500)]}
    spec = spec_of(job, big, nodes["local"])
    assert (spec.kind, spec.code, spec.run_id, spec.by) == ("job", "workers", STAMP.run, STAMP.by)
    assert spec.command == ("python", "-m", "workers.jobs", "sync")
    assert (spec.restart.policy, spec.grace_s) == ("asked", 30.0)
    assert len(spec.input) > 1
    assert json.loads("".join(spec.input)) == big
    assert "".join(pieces(made)).isascii()


def test_jobs_of_one_destination_exclude_each_other() -> None:
    def lock(**job: Any) -> str:
        return lock_of(JobSettings(**{"name": "j", "kind": "sync", **job}), "nas")

    assert lock() == lock(name="other", kind="aggregate") == "data-nas"
    assert lock(destination={"node": "nas", "path": "/elsewhere"}) != "data-nas"
    assert lock(lock={"name": "mine"}) == "mine"
    assert lock(kind="command", command=("x",)) == "job-j"


def test_only_ssh_nodes_are_reached_by_ssh() -> None:
    settings = Settings.model_validate(SETTINGS)
    kinds = [spec.transport for spec in settings.node_specs()]
    assert kinds == [Transport.LOCAL, Transport.SSH, Transport.SSH]
