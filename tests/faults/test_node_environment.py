"""Nodes whose homes, mounts and clocks are odd, behind a real sshd. Rows 72, 73, 76 and 79."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.fleet.lifecycle import is_skewed
from tests.faults.remote import inside
from tests.faults.watching import PATIENCE, TIMEOUT_S, entries, watching
from tests.loopback import LoopbackFleet
from tests.namespaces import LoopbackHost

pytestmark = [pytest.mark.root, pytest.mark.timeout(TIMEOUT_S)]

FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), "")
SKEW_S = 600


@pytest.fixture
def mounts(fleet: LoopbackFleet) -> Iterator[list[tuple[LoopbackHost, str]]]:
    """What a test mounted in a host is taken away after it."""
    made: list[tuple[LoopbackHost, str]] = []
    yield made
    for host, path in reversed(made):
        host.exec(["umount", "--lazy", path])


async def test_a_home_that_is_missing_read_only_or_without_execution_is_enough(
    fleet: LoopbackFleet, tmp_path: Path, mounts: list[tuple[LoopbackHost, str]]
) -> None:
    homeless, read_only, no_execution = hosts = fleet.hosts[:3]

    def mount(host: LoopbackHost, path: str, *how: str) -> None:
        inside(host, "mount", *how, path)
        mounts.append((host, path))

    accounts = tmp_path / "passwd"
    gone = tmp_path / "gone"
    accounts.write_text(Path("/etc/passwd").read_text().replace(":/root:", f":{gone}:"))
    mount(homeless, "/etc/passwd", "--bind", str(accounts))
    for host in hosts:
        mount(host, "/var/tmp", "-t", "tmpfs", "-o", "noexec,mode=1777", "tmpfs")
    mount(read_only, "/root", "-t", "tmpfs", "-o", "ro", "tmpfs")
    mount(no_execution, "/root", "-t", "tmpfs", "-o", "noexec,mode=0700", "tmpfs")
    inside(no_execution, "mount", "-o", "remount,hidepid=2", "/proc")
    async with watching(tmp_path / "qd", entries(fleet)) as watched:
        await watched.until_all_up()
        places = {}
        for host in hosts:
            hello = watched.node(host.name).hello
            assert hello is not None
            places[host.name] = hello.state_directory
            sample = watched.node(host.name).sample
            assert sample is not None
            assert sample.host.memory.total_bytes
        assert places == {
            homeless.name: "/var/tmp/quarterdeck-0",
            read_only.name: "/var/tmp/quarterdeck-0",
            no_execution.name: "/root/.local/state/quarterdeck",
        }
        warnings = watched.node(read_only.name).hello
        assert warnings is not None
        assert any("/root/.local/state" in text for text in warnings.warnings), "and it is said"
        assert not gone.exists(), "nobody's home is made"


async def test_two_nodes_that_share_a_home_stay_two_nodes(
    fleet: LoopbackFleet, tmp_path: Path, mounts: list[tuple[LoopbackHost, str]]
) -> None:
    """As with homes on NFS and machine-ids that were cloned."""
    first, second = fleet.hosts[:2]
    inside(second, "mount", "--bind", str(first.home), "/root")
    mounts.append((second, "/root"))
    data = first.home / "data"
    data.mkdir(exist_ok=True)
    (data / "a.jsonl").write_text("{}\n" * 7)
    datasets = [{"name": "games", "paths": ["~/data/*.jsonl"]}]
    both = entries(fleet)[:2]
    async with watching(tmp_path / "qd", both, datasets=datasets) as watched:
        await watched.until_all_up()
        nodes = [watched.node(entry.name) for entry in both]
        keys = {node.hello.node_key for node in nodes if node.hello}
        assert len(keys) == 2
        assert all(node.same_as is None for node in nodes)
        for entry in both:
            await watched.until(
                f"{entry.name} counted",
                lambda name=entry.name: _records(watched.node(name)) == 7,
                20,
            )
    state = first.home / ".local/state/quarterdeck"
    assert {path.name for path in (state / "nodes").iterdir()} >= keys, "each has its own cache"
    assert len(list((state / "agents").glob("agent-*.pyz"))) == 1, "the same agent lies there once"


def _records(node: object) -> int | None:
    report = getattr(node, "datasets", None)
    return report.counts[0].records if report and report.counts else None


@pytest.fixture
def skewed(fleet: LoopbackFleet) -> Iterator[tuple[LoopbackHost, LoopbackHost]]:
    """Two hosts whose agents see a clock ten minutes ahead and ten minutes behind."""
    if not FAKETIME:
        pytest.skip("libfaketime is not installed")
    hosts = fleet.hosts[0], fleet.hosts[1]
    before = {}
    for host, sign in zip(hosts, "+-", strict=True):
        config = host.folder / "sshd_config"
        before[config] = config.read_text()
        fake = f"FAKETIME={sign}{SKEW_S}s FAKETIME_DONT_FAKE_MONOTONIC=1"
        config.write_text(f"SetEnv LD_PRELOAD={FAKETIME} {fake}\n{before[config]}")
        host.restart_sshd()
    yield hosts
    for host in hosts:
        config = host.folder / "sshd_config"
        config.write_text(before[config])
        host.restart_sshd()


async def test_clocks_ten_minutes_off_get_a_badge_an_alert_and_no_trouble(
    fleet: LoopbackFleet, tmp_path: Path, skewed: tuple[LoopbackHost, LoopbackHost]
) -> None:
    ahead, behind = skewed
    rules = {"clock_skew": {"for": "1s"}}
    async with watching(tmp_path / "qd", entries(fleet), alerts=rules) as watched:
        await watched.until_all_up()

        def told() -> set[tuple[str, str]]:
            return {(each.node, each.kind) for each in watched.runtime.store.alerts}

        wanted = {(ahead.name, "clock_skew"), (behind.name, "clock_skew")}
        await watched.until("both alerts", lambda: told() >= wanted, 10 * PATIENCE)
        for host, offset_s in ((ahead, SKEW_S), (behind, -SKEW_S)):
            node = watched.node(host.name)
            assert is_skewed(node)
            assert node.clock_offset_s == pytest.approx(offset_s, abs=2)
            assert watched.states_since(host.name, 0) <= {"connecting", "up"}
            (alert,) = watched.runtime.store.alerts_of(host.name)
            assert ("10 min ahead" if offset_s > 0 else "10 min behind") in alert.text
        assert not is_skewed(watched.node(fleet.hosts[2].name))
