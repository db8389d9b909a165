"""A sync between two machines runs on the one that collects, where that reaches the other; else it is relayed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.faults_workers.desk import Desk
from tests.loopback import LoopbackFleet, unavailable

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "-"),
]


def test_with_a_key_of_its_own_the_collector_fetches_itself_and_without_it_is_relayed(
    tmp_path: Path,
) -> None:
    with LoopbackFleet(2, python=True) as fleet:
        source, collector = fleet.hosts
        desk = Desk(tmp_path)
        (tmp_path / "known_hosts").write_text(fleet.known_hosts.read_text())
        entries = yaml.safe_load(fleet.settings.read_text())["nodes"]
        games = {"name": "games", "paths": ["games/*.jsonl"], "nodes": source.name}
        job = {"name": "sync", "kind": "sync", "sources": source.name, "datasets": ["games"]}
        job["destination"] = {"node": collector.name, "path": "~/store"}  # type: ignore[assignment]
        desk.settings(*entries, datasets=[games], jobs=[job])
        (source.home / "games").mkdir()
        (source.home / "games" / "a.jsonl").write_text('{"game": 1}\n')
        done = desk("jobs", "run", "sync", "--wait")
        assert done.code == 0, done
        assert "relayed by this machine" in done.out
        own = collector.home / ".ssh"
        own.mkdir(mode=0o700)
        (own / "id_ed25519").write_text(fleet.key.read_text())
        (own / "id_ed25519").chmod(0o600)
        (own / "known_hosts").write_text(source.known_hosts_line)
        with (source.home / "games" / "a.jsonl").open("a") as file:
            file.write('{"game": 2}\n')
        done = desk("jobs", "run", "sync", "--wait")
        assert done.code == 0, done
        assert f"sync (sync) on {collector.name}" in done.out
        assert "relayed" not in done.out
        copy = collector.home / "store" / "games" / source.name / "games" / "a.jsonl"
        assert copy.read_text() == '{"game": 1}\n{"game": 2}\n'
        runs = desk("jobs", "list", "--json").json["runs"]
        assert {run["node"] for run in runs} == {"local", collector.name}
