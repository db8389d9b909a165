"""Each action: done on a real agent, written down, and refused while read-only."""

from __future__ import annotations

import asyncio
import re
import signal
import stat
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.errors import QuarterdeckError, Refused, SettingsError, UsageError
from console.fleet.events import NodeAdded, NodeDetached
from console.fleet.model import Attention, HostKey, NodeSpec
from console.operations.check import Level
from console.operations.workers import ACTS, Outcome, StartRequest, Target, Verdict
from console.runtime import Runtime
from tests.runtimes import until, up
from tests.sshd import Sshd
from workers.protocol import Orphan, Process, ProcessIdentity


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "300"])
    yield process
    process.kill()
    process.wait()


async def found(runtime: Runtime, pid: int) -> Process:
    while True:  # pytest's own timeout ends it: a new process shows with the next sweep
        table = await runtime.processes.list("local")
        for process in table.processes:
            if process.pid == pid and process.name == "sleep":
                return process
        await asyncio.sleep(0.05)


def identity(runtime: Runtime, process: Process) -> ProcessIdentity:
    hello = runtime.store.nodes["local"].hello
    assert hello is not None
    return ProcessIdentity(hello.boot_id, hello.pid_namespace, process.pid, process.start_ticks)


def audited(runtime: Runtime) -> list[tuple[str, str, str]]:
    return [(entry.node, entry.verb, entry.result) for entry in runtime.audit.tail()]


# ---------------------------------------------------------------- processes, disks, datasets


async def test_a_process_is_seen_described_and_ended(
    runtime: Runtime, sleeper: subprocess.Popen[bytes]
) -> None:
    process = await found(runtime, sleeper.pid)
    assert process.command == "sleep 300"
    who = identity(runtime, process)
    details = await runtime.processes.describe("local", who)
    assert details.executable is not None
    assert details.executable.endswith("sleep")
    outcome = await runtime.processes.signal("local", who, "sigterm")
    assert outcome.delivered
    assert await asyncio.to_thread(sleeper.wait, 10) == -signal.SIGTERM
    (entry, *_) = runtime.audit.tail()
    assert (entry.node, entry.verb, entry.result) == ("local", "processes.signal", "delivered")
    assert entry.argv[:3] == ("kill", "-TERM", str(sleeper.pid))
    assert "@" in entry.who


async def test_a_signal_to_another_process_with_that_number_is_not_sent(
    runtime: Runtime, sleeper: subprocess.Popen[bytes]
) -> None:
    process = await found(runtime, sleeper.pid)
    other = identity(runtime, process)._replace(start_ticks=process.start_ticks - 1)
    outcome = await runtime.processes.signal("local", other, "KILL")
    assert not outcome.delivered
    assert sleeper.poll() is None
    assert audited(runtime)[0] == ("local", "processes.signal", outcome.reason)


async def test_a_signal_that_is_none(runtime: Runtime, sleeper: subprocess.Popen[bytes]) -> None:
    who = identity(runtime, await found(runtime, sleeper.pid))
    with pytest.raises(UsageError, match="TERM, KILL"):
        await runtime.processes.signal("local", who, "HUP")
    with pytest.raises(UsageError, match="no node named locl; did you mean local"):
        await runtime.processes.signal("locl", who, "TERM")
    assert sleeper.poll() is None


async def test_a_node_without_a_link_says_that_nothing_was_sent(
    runtime: Runtime, sleeper: subprocess.Popen[bytes]
) -> None:
    who = identity(runtime, await found(runtime, sleeper.pid))
    await runtime.add_node(NodeSpec("far", address="127.0.0.1", port=1))
    with pytest.raises(QuarterdeckError, match="nothing was sent"):
        await runtime.processes.signal("far", who, "TERM")
    assert audited(runtime)[0][2].startswith("failed: far is not connected")


async def test_what_fills_a_disk_and_a_recount(runtime: Runtime, home: Path) -> None:
    (home / "big").mkdir()
    (home / "big" / "file").write_bytes(b"x" * 300_000)
    found = await runtime.disks.explain("local", str(home))
    assert any(entry.path.endswith("big") for entry in found.entries)
    await runtime.datasets.recount("local")
    assert [verb for _, verb, _ in audited(runtime)] == ["datasets.recount", "disks.explain"]


# ---------------------------------------------------------------- nodes


async def test_a_node_is_added_and_removed_in_the_users_file(runtime: Runtime, home: Path) -> None:
    await runtime.nodes.add(NodeSpec("far", address="127.0.0.1", port=1, tags=("x",)))
    file = home / ".config" / "quarterdeck" / "nodes.yaml"
    assert "name: far" in file.read_text()
    assert "far" in runtime.store.nodes
    await until(lambda: any(node.name == "far" for node in runtime.settings.nodes))
    with pytest.raises(SettingsError, match=r"nodes.yaml:\d+: far is there already"):
        await runtime.nodes.add(NodeSpec("far"))
    await runtime.nodes.remove("far")
    assert "far" not in file.read_text()
    assert "far" not in runtime.store.nodes
    with pytest.raises(SettingsError, match=r"settings.yaml:1: local is written here"):
        await runtime.nodes.remove("local")
    verbs = [(verb, result.split(":")[0]) for _, verb, result in audited(runtime)]
    assert verbs == [
        ("nodes.remove", "failed"),
        ("nodes.remove", "done"),
        ("nodes.add", "failed"),
        ("nodes.add", "done"),
    ]


async def waiting_key(runtime: Runtime, sshd: Sshd) -> HostKey:
    """A node `far` on a real server whose host key nobody trusts yet."""
    settings = sshd.settings()
    spec = NodeSpec("far", **settings)  # type: ignore[arg-type]
    await runtime.add_node(spec)
    await until(lambda: runtime.store.nodes["far"].state == "attention")
    link = runtime.store.nodes["far"].link
    assert isinstance(link, Attention)
    assert link.problem.host_key is not None
    return link.problem.host_key


async def test_a_host_key_is_trusted_only_as_it_was_shown(
    runtime: Runtime, home: Path, sshd: Sshd
) -> None:
    with pytest.raises(UsageError, match="no host key waits"):
        await runtime.nodes.trust("local")
    key = await waiting_key(runtime, sshd)
    known_hosts = home / ".config" / "quarterdeck" / "known_hosts"
    with pytest.raises(Refused, match="nothing was trusted"):
        await runtime.nodes.trust("far", key, "SHA256:other")
    with pytest.raises(Refused, match="another host key waits"):
        await runtime.nodes.trust("far", replace(key, fingerprint="SHA256:other"))
    assert not known_hosts.exists()
    await runtime.nodes.trust("far", key, sshd.fingerprint)
    assert sshd.known_hosts_line in known_hosts.read_text()
    assert stat.S_IMODE(known_hosts.stat().st_mode) == 0o600
    assert audited(runtime)[0] == ("far", "nodes.trust", "done")
    await up(runtime, "far")


async def test_check_says_what_is_right_and_what_is_wrong(runtime: Runtime) -> None:
    report = await runtime.nodes.check("local")
    assert report.ok
    assert {"link", "way", "machine", "python", "protocol"} <= {f.what for f in report.findings}
    await runtime.add_node(NodeSpec("far", address="127.0.0.1", port=1))
    report = await runtime.nodes.check("far")
    assert not report.ok
    error = next(f for f in report.findings if f.level is Level.ERROR)
    assert (error.what, "127.0.0.1" in error.text) == ("refused", True)
    assert any(f.what == "way" and "127.0.0.1:1" in f.text for f in report.findings)


async def test_a_shell_here_is_the_users_own(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/bin/zsh")
    assert runtime.nodes.ssh_command("local") == ["/bin/zsh"]
    await runtime.add_node(NodeSpec("far", address="127.0.0.1", port=2222, user="u"))
    words = runtime.nodes.ssh_command("far")
    assert words[:2] == ["ssh", "-t"]
    assert words[-2:] == ["--", "127.0.0.1"]
    assert [verb for _, verb, _ in audited(runtime)] == ["nodes.shell", "nodes.shell"]


async def test_uninstall_lists_first_and_leaves_nothing_of_the_agent(
    runtime: Runtime, home: Path
) -> None:
    state = home / ".local" / "state" / "quarterdeck"
    (home / "g.jsonl").write_text("{}\n")
    await until(lambda: list(state.glob("agents/agent-*.pyz")))
    listed = await runtime.nodes.uninstall("local")
    assert not listed.removed
    assert listed.bytes > 10_000
    assert any(path.endswith(".pyz") for path in listed.paths)
    assert list(state.glob("agents/agent-*.pyz")), "listing removes nothing"
    assert audited(runtime) == []
    (state / "agents" / "mine.txt").write_text("not the agent's")
    report = await runtime.nodes.uninstall("local", confirm=True)
    assert report.removed
    assert [kept.partition(":")[0] for kept in report.kept] == [str(state / "agents" / "mine.txt")]
    assert "local" not in runtime.store.nodes, "a new connection would bring the agent back"
    assert not list(state.rglob("*.pyz"))
    assert not (state / "nodes").exists()
    assert audited(runtime)[0][:2] == ("local", "nodes.uninstall")
    assert runtime.audit.path.exists()


# ---------------------------------------------------------------- read-only


async def shell(runtime: Runtime) -> list[str]:
    return runtime.nodes.ssh_command("local")


SLEEP = StartRequest(("local",), command=("sleep", "600"), name="w")
RUN = Target("local", "f" * 32, "w")
ORPHAN = Orphan("o", "stale_lock", "why", ("clear",), pid=4_194_303, start_ticks=1)


async def told(outcomes: Awaitable[tuple[Outcome, ...]]) -> None:
    """What is told of each run, as a refusal of them all."""
    (outcome,) = await outcomes
    if outcome.verdict is Verdict.REFUSED:
        raise Refused(outcome.text)


async def forgotten(runtime: Runtime) -> None:
    now = runtime.store.now
    runtime.store.apply(NodeAdded("away", now, NodeSpec("away")))
    runtime.store.apply(NodeDetached("away", now))
    await runtime.nodes.forget("away")


async def command(runtime: Runtime) -> None:
    runtime.commands.begin(["local"], ["true"])


ACTIONS: dict[str, Callable[[Runtime, ProcessIdentity], Awaitable[Any]]] = {
    "processes.signal": lambda r, who: r.processes.signal("local", who, "TERM"),
    "nodes.add": lambda r, who: r.nodes.add(NodeSpec("far")),
    "nodes.remove": lambda r, who: r.nodes.remove("local"),
    "nodes.forget": lambda r, who: forgotten(r),
    "nodes.uninstall": lambda r, who: r.nodes.uninstall("local", confirm=True),
    "nodes.shell": lambda r, who: shell(r),
    "nodes.trust": lambda r, who: r.nodes.trust("far"),
    "workers.start": lambda r, who: told(r.workers.start(r.workers.plan(SLEEP))),
    "workers.forget": lambda r, who: r.workers.forget(RUN),
    "workers.adopt": lambda r, who: r.workers.adopt("local", ORPHAN),
    "workers.clear": lambda r, who: r.workers.clear("local", ORPHAN, "clear"),
    "commands.run": lambda r, who: command(r),
    **{
        f"workers.{act}": lambda r, who, act=act: told(r.workers.act([RUN], act))  # type: ignore[misc]
        for act in ACTS
    },
}


@pytest.mark.parametrize("verb", ACTIONS)
async def test_read_only_refuses_every_action_and_writes_it_down(
    verb: str, watching: Runtime, home: Path, sleeper: subprocess.Popen[bytes], sshd: Sshd
) -> None:
    if verb == "nodes.trust":
        await waiting_key(watching, sshd)
    who = identity(watching, await found(watching, sleeper.pid))
    before = {path: path.read_bytes() for path in (home / ".config").rglob("*") if path.is_file()}
    with pytest.raises(Refused, match="read-only; nothing was done"):
        await ACTIONS[verb](watching, who)
    entry = watching.audit.tail()[0]
    assert (entry.verb, entry.result.split(":")[0]) == (verb, "refused")
    assert sleeper.poll() is None
    now = {path: path.read_bytes() for path in (home / ".config").rglob("*") if path.is_file()}
    assert now == before


async def test_read_only_still_looks(watching: Runtime) -> None:
    assert (await watching.processes.list("local")).processes
    await watching.disks.explain("local", "/tmp", 1.0)
    await watching.datasets.recount("local")
    assert (await watching.nodes.check("local")).ok
    assert (await watching.nodes.uninstall("local")).paths
    watching.nodes.retry("local")
    await up(watching)


def test_every_way_to_change_something_is_in_this_test() -> None:
    """A new action must be added to ACTIONS: its verb is in the sources."""
    root = Path(__file__).parents[2] / "console" / "operations"
    calls = "".join(path.read_text() for path in root.glob("*.py"))
    verbs = re.findall(
        r"\.(?:action|recorded)\(\s*[^,]+,\s*\"([a-z.]+)\"[^)]*?(changes=False)?\)", calls
    )
    acts = {f"workers.{act}" for act in ACTS}  # made of the act's own word
    assert {verb for verb, looks in verbs if not looks} | acts == set(ACTIONS)
