"""Data made on three hosts reaches a fourth, is merged, backed up and pruned, while hosts and jobs are killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.faults_workers.desk import Desk
from tests.loopback import LoopbackFleet, unavailable
from tests.namespaces import LoopbackHost
from tests.object_store import ObjectStore, StoreOn, environment
from tests.processes import descendants, environment_of
from tests.running import runs_below

pytestmark = [
    pytest.mark.root,
    pytest.mark.xdist_group("data-is-safe"),  # its fleet is its own
    pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "-"),
]

GAMES = 200  # of each host
# Says that a game is written once it is on the disk, as a worker that promises something must.
WRITER = """
import json, os, sys, time
name, games = sys.argv[1], int(sys.argv[2])
os.makedirs("data/games", exist_ok=True)
told = os.open("told", os.O_RDWR | os.O_CREAT | os.O_APPEND)
number = len(os.pread(told, 1 << 20, 0).splitlines())
attempt = os.environ["QD_RUN_DIR"][-8:]
file = os.open(f"data/games/{attempt}-{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
while number < games:
    number += 1
    game = f"{name}-{number:05d}-{attempt}-{os.getpid()}"
    os.write(file, json.dumps({"game": game, "moves": [number] * 20}).encode() + b"\\n")
    os.fsync(file)
    os.write(told, f"{game}\\n".encode())
    time.sleep(0.02)
"""


@pytest.fixture
def fleet() -> Iterator[LoopbackFleet]:
    with LoopbackFleet(4, python=True) as up:
        yield up


@pytest.fixture
def bucket(object_store_on: StoreOn, fleet: LoopbackFleet) -> ObjectStore:
    """A real S3 server that the hosts reach."""
    return object_store_on(f"{fleet.network}.1")


class World:
    """Three hosts that make data, one that collects it, and the desk all of it is driven from."""

    def __init__(self, fleet: LoopbackFleet, store: ObjectStore, desk: Desk) -> None:
        self.desk = desk
        *self.sources, self.collector = fleet.hosts
        self.fleet = fleet
        (self.collector.home / ".venv").symlink_to(sys.prefix)
        self._credentials(store)
        entries = yaml.safe_load(fleet.settings.read_text())["nodes"]
        for entry in entries[:3]:
            entry["tags"] = ["source"]
        (desk.folder / "known_hosts").write_text(fleet.known_hosts.read_text())
        place = {
            "destination": {"node": self.collector.name, "path": "~/store"},
            "datasets": ["games"],
            "retry": {"again": 0},
        }
        jobs = [
            {"name": "sync", "kind": "sync", "sources": "tag:source", **place},
            {"name": "aggregate", "kind": "aggregate", **place},
            {"name": "backup", "kind": "backup", "remote": "store:bucket/fleet", **place},
            {"name": "prune", "kind": "prune", "sources": "tag:source", **place},
        ]
        games = {"name": "games", "paths": ["data/games/*.jsonl"], "nodes": "tag:source"}
        desk.settings(*entries, datasets=[games], jobs=jobs)

    def _credentials(self, store: ObjectStore) -> None:
        """They lie where the data is collected, and nowhere else."""
        told = environment(store.keeper, store.endpoint)
        lines = [
            f"{name.removeprefix('RCLONE_CONFIG_STORE_').lower()} = {value}"
            for name, value in told.items()
        ]
        folder = self.collector.home / ".config" / "rclone"
        folder.mkdir(parents=True)
        (folder / "rclone.conf").write_text("\n".join(["[store]", *lines, ""]))
        (folder / "rclone.conf").chmod(0o600)

    # ------------------------------------------------------------ what is true

    def told(self, host: LoopbackHost) -> set[str]:
        """The games that its workers have said are written."""
        path = host.home / "told"
        text = path.read_text() if path.exists() else ""
        return set(text[: text.rfind("\n") + 1].split())

    def merged(self) -> Counter[str]:
        """The games of the consolidated store: those of generations that are finished."""
        store = self.collector.home / "store" / "games" / "consolidated"
        parts = [
            str(part)
            for manifest in store.glob("gen-*/manifest-*.json")
            for part in manifest.parent.glob("part-*.parquet")
        ]
        if not parts:
            return Counter()
        lines = duckdb.read_parquet(parts).project("line").fetchall()
        return Counter(json.loads(line)["game"] for (line,) in lines)

    def left(self, host: LoopbackHost) -> list[Path]:
        return [path for path in host.home.glob("data/games/*.jsonl") if path.stat().st_size]

    # ------------------------------------------------------------ what is done

    def write_on(self) -> bool:
        """Starts a writer where none lives and games are left to write; False once all are written."""
        listed = self.desk("workers", "list", "--json").json["workers"]
        alive = {
            w["node"]
            for w in listed
            if w["name"] == "writer" and w["state"] in ("running", "starting")
        }
        waiting = [host for host in self.sources if len(self.told(host)) < GAMES]
        for host in waiting:
            if host.name not in alive:
                command = ("python3", "-c", WRITER, host.name, str(GAMES))
                self.desk(
                    "workers", "start", "--node", host.name, "--name", "writer", "--", *command
                )
        return bool(waiting)

    def job(self, name: str) -> Any:
        return self.desk("jobs", "run", name, "--wait", "--yes")

    def job_processes(self) -> list[int]:
        """Of jobs that run now, here and where the data is collected."""
        there = descendants(self.collector.init)
        jobs = {b"QD_WORKER=sync", b"QD_WORKER=aggregate", b"QD_WORKER=backup"}
        return [
            pid for pid in (*runs_below(self.desk.home), *there) if jobs & set(environment_of(pid))
        ]

    def ask_whether_safe(self, host: LoopbackHost) -> None:
        """`data safe` may be cautious; it may not be wrong."""
        before = self.told(host)
        answer = self.desk("data", "safe", host.name)
        assert answer.code in (0, 3, 4), answer
        if answer.code == 0:
            assert before <= self.merged().keys(), "it said yes"


class Trouble(threading.Thread):
    """While it is entered, kills jobs and takes the power of hosts, at random moments."""

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__()
        self._world, self._chance, self._over = world, chance, threading.Event()
        self.done: Counter[str] = Counter()

    def run(self) -> None:
        while not self._over.wait(self._chance.uniform(0.3, 2.0)):
            if self._chance.random() < 0.2:
                self._chance.choice(self._world.sources).reboot()
                self.done["power"] += 1
            elif found := self._world.job_processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._chance.choice(found), signal.SIGKILL)
                    self.done["job"] += 1

    def __enter__(self) -> Trouble:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


@pytest.mark.timeout(420)
def test_every_record_that_was_written_is_merged_once_and_backed_up_before_its_file_goes(
    fleet: LoopbackFleet, bucket: ObjectStore, tmp_path: Path
) -> None:
    world = World(fleet, bucket, Desk(tmp_path))
    with Trouble(world, random.Random(7)) as trouble:
        for host in world.sources[:2]:
            world.write_on()
            world.job("sync")
            world.job("aggregate")
            world.ask_whether_safe(host)
    assert trouble.done["job"], "something was killed"
    deadline = time.monotonic() + 60
    while world.write_on():
        assert time.monotonic() < deadline, world.desk("workers", "list").out
        time.sleep(0.5)
    for name in ("sync", "aggregate"):
        done = world.job(name)
        assert done.code == 0, done
    answer = world.desk("data", "safe", "h1")
    assert answer.code == 4, "a backup is configured, and there is none"
    refused = world.job("prune")
    assert refused.code != 0
    assert all(world.left(host) for host in world.sources)
    done = world.job("backup")
    assert done.code == 0, done
    for host in world.sources:
        answer = world.desk("data", "safe", host.name)
        assert answer.code == 0, answer
    newest = {host.name: max(world.left(host), key=os.path.getmtime) for host in world.sources}
    done = world.job("prune")
    assert done.code == 0, done
    for host in world.sources:
        assert len(left := world.left(host)) <= 1, "the newest may still be written to"
        assert all(path == newest[host.name] for path in left)
    merged = world.merged()
    assert set(merged.values()) == {1}
    told = set().union(*map(world.told, world.sources))
    assert len(told) >= 3 * GAMES
    assert told <= merged.keys()
    done = world.desk("jobs", "restore", "backup", "--to", "~/again", "--wait", "--yes")
    assert done.code == 0, done
    parts = [str(path) for path in (world.collector.home / "again").rglob("part-*.parquet")]
    again = duckdb.read_parquet(parts).project("line").fetchall()
    assert Counter(json.loads(line)["game"] for (line,) in again) == merged
