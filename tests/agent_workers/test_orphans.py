"""What no record owns, and records that own nothing: shown with why, acted on only when told and never wrongly."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent_workers.node import Asker, Node, refused, script, sleeper, spec, until
from tests.processes import alive
from workers.machine.process import start_ticks
from workers.protocol import (
    AdoptProcess,
    ClearOrphan,
    Done,
    FindOrphans,
    ForgetWorker,
    Orphan,
    WorkerReply,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that Quarterdeck did not start; it ends with code 7 when told."""
    text = f"until [ -e {tmp_path}/go ]; do sleep 0.05; done; exit 7"
    process = subprocess.Popen(["sh", "-c", text], start_new_session=True, cwd=tmp_path)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def found(console: Asker, kind: str, node: Node) -> list[Orphan]:
    """The orphans of this kind that belong to this test's node."""
    report = console.ask(FindOrphans())
    ours = {run.run_id for run in node.runs.all()}
    return [one for one in report.orphans if one.kind == kind and one.run_id in ours]


def identity(pid: int) -> tuple[int, int]:
    return pid, start_ticks(pid) or 0


def test_a_quiet_node_has_no_orphans(node: Node, console: Asker) -> None:
    console.start(sleeper())
    report = console.ask(FindOrphans())
    assert [
        one for one in report.orphans if one.run_id in {r.run_id for r in node.runs.all()}
    ] == []


def test_a_process_whose_state_is_gone_is_found_by_its_token_and_adopted(
    node: Node, console: Asker
) -> None:
    """It lived under another state directory of the same node, which was removed."""
    elsewhere = Node(node.home)
    wanted = script("moved", "sleep 600 & sleep 600")
    try:
        with elsewhere.agent(watch=False) as other:
            pid = other.start(wanted).pid or 0
        for keeper in elsewhere.keepers(wanted.run_id):
            os.kill(keeper, signal.SIGKILL)
        shutil.rmtree(elsewhere.state)
        orphan = next(o for o in console.ask(FindOrphans()).orphans if o.run_id == wanted.run_id)
        assert (orphan.kind, orphan.pid, orphan.name) == ("unrecorded", pid, "moved")
        assert "adopt" in orphan.acts
        reply = console.ask(
            AdoptProcess(secrets.token_hex(16), *identity(pid), "moved", by="ada@desk")
        )
        assert isinstance(reply, WorkerReply)
        assert (reply.record.run_id, reply.record.pid) == (wanted.run_id, pid)
        assert reply.record.flags == ("adopted",)
        console.command(wanted.run_id, "stop", grace_s=0.5)
        console.record(wanted.run_id, lambda r: r.state == "stopped")
        until(lambda: not elsewhere.processes(wanted.run_id))
    finally:
        elsewhere.clean()


def test_an_unrecorded_process_is_ended_only_by_name_and_with_all_of_its_kin(
    node: Node, console: Asker
) -> None:
    elsewhere = Node(node.home)
    wanted = script("kin", "sleep 600 & sleep 600")
    try:
        with elsewhere.agent(watch=False) as other:
            other.start(wanted)
        for keeper in elsewhere.keepers(wanted.run_id):
            os.kill(keeper, signal.SIGKILL)
        shutil.rmtree(elsewhere.state)
        orphan = next(o for o in console.ask(FindOrphans()).orphans if o.run_id == wanted.run_id)
        refused(console.ask(ClearOrphan(orphan.orphan_id + "0", "kill")), "gone")
        refused(console.ask(ClearOrphan(orphan.orphan_id, "forget")), "refused")
        assert elsewhere.processes(wanted.run_id)
        assert isinstance(console.ask(ClearOrphan(orphan.orphan_id, "kill")), Done)
        until(lambda: not elsewhere.processes(wanted.run_id))
        refused(console.ask(ClearOrphan(orphan.orphan_id, "kill")), "gone")
    finally:
        elsewhere.clean()


def test_a_run_of_another_state_directory_is_nobodys_orphan(node: Node, console: Asker) -> None:
    elsewhere = Node(node.home)
    wanted = sleeper("theirs")
    try:
        with elsewhere.agent(watch=False) as other:
            other.start(wanted)
        ids = [one.run_id for one in console.ask(FindOrphans()).orphans]
        assert wanted.run_id not in ids
    finally:
        elsewhere.clean()


def test_a_lost_run_is_shown_and_forgotten_by_one_key(node: Node) -> None:
    wanted = sleeper("lost")
    with node.agent(watch=False) as console:
        pid = console.start(wanted).pid or 0
        keepers = node.keepers(wanted.run_id)
        for each in keepers:
            os.kill(each, signal.SIGSTOP)
        for each in (pid, *keepers):
            os.kill(each, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}").exists())
        [orphan] = found(console, "dead", node)
        assert orphan.acts == ("forget",)
        assert f"process {pid} is gone" in orphan.why
        assert isinstance(console.ask(ClearOrphan(orphan.orphan_id, "forget")), Done)
        assert node.runs.all() == []


def test_a_second_copy_beside_our_record_is_a_duplicate(node: Node, console: Asker) -> None:
    (node.home / "work").mkdir()
    wanted = spec("trainer", "sleep", "61234", directory="work")
    pid = console.start(wanted).pid
    twin = subprocess.Popen(["sleep", "61234"], cwd=node.home / "work")
    elsewhere = subprocess.Popen(["sleep", "61234"], cwd="/")
    try:
        orphans = until(lambda: found(console, "duplicate", node))
        assert [one.pid for one in orphans] == [twin.pid]
        assert "trainer" in orphans[0].why
        assert isinstance(console.ask(ClearOrphan(orphans[0].orphan_id, "stop")), Done)
        assert twin.wait(10) == -signal.SIGTERM
        assert alive(pid or 0)
        assert alive(elsewhere.pid)
    finally:
        for each in (twin, elsewhere):
            each.kill()
            each.wait()


# ---------------------------------------------------------------- lock files


def test_stale_lock_files_are_known_by_identity_and_cleared_by_one_key(
    node: Node, console: Asker
) -> None:
    work = node.home / "work"
    work.mkdir()
    gone = subprocess.Popen(["true"])
    gone.wait()
    (work / "plain.lock").write_text(f"{gone.pid}\n")
    (work / "body.lock").write_text(json.dumps({"pid": gone.pid, "host": os.uname().nodename}))
    (work / "held.lock").write_text(str(os.getpid()))
    (work / "other.lock").write_text(json.dumps({"pid": gone.pid, "host": "elsewhere"}))
    (work / "noise.lock").write_text("who knows")
    (work / "link.lock").symlink_to(work / "plain.lock")
    names = [f"{name}.lock" for name in ("plain", "body", "held", "other", "noise", "link", "no")]
    reused = work / "reused.lock"
    reused.write_text(str(os.getpid()))
    os.utime(reused, (1.0, 1.0))  # written long before this process was started
    wanted = spec("locks", "true", directory="work", lock_files=(*names, "reused.lock"))
    console.start(wanted)
    orphans = {Path(one.path).name: one for one in found(console, "stale_lock", node)}
    assert set(orphans) == {"plain.lock", "body.lock", "reused.lock"}
    assert "another one has that number now" in orphans["reused.lock"].why
    changed = orphans["body.lock"]
    (work / "body.lock").write_text(str(os.getpid()))
    refused(console.ask(ClearOrphan(changed.orphan_id, "clear")), "gone")
    assert isinstance(console.ask(ClearOrphan(orphans["plain.lock"].orphan_id, "clear")), Done)
    left = sorted(path.name for path in work.iterdir())
    assert left == sorted({*names, "reused.lock"} - {"plain.lock", "no.lock"})


# ---------------------------------------------------------------- adoption


def test_a_foreign_process_is_watched_from_then_on(
    node: Node, console: Asker, stranger: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    run_id = secrets.token_hex(16)
    ask = AdoptProcess(run_id, *identity(stranger.pid), "stranger", by="ada@desk")
    reply = console.ask(ask)
    assert isinstance(reply, WorkerReply)
    assert (reply.record.state, reply.record.pid) == ("running", stranger.pid)
    assert reply.record.flags == ("adopted",)
    assert reply.record.command[0] == "sh"
    assert console.ask(ask).record.run_id == run_id
    again = AdoptProcess(secrets.token_hex(16), *identity(stranger.pid), "again")
    assert "stranger" in refused(console.ask(again), "exists")
    refused(console.command(run_id, "restart"), "refused")
    (tmp_path / "go").touch()
    assert stranger.wait(10) == 7
    record = console.record(run_id, lambda r: r.state in ("exited", "lost"))
    assert record.exit_code in (7, None)
    assert record.state == ("exited" if record.exit_code == 7 else "lost")


def test_a_watched_process_survives_agents_and_supervisors(
    node: Node, stranger: subprocess.Popen[bytes]
) -> None:
    run_id = secrets.token_hex(16)
    with node.agent() as console:
        console.ask(AdoptProcess(run_id, *identity(stranger.pid), "stranger"))
        for keeper in node.keepers(run_id):
            os.kill(keeper, signal.SIGKILL)
    with node.agent() as console:
        until(lambda: len(node.keepers(run_id)) == 2)
        assert console.record(run_id).state == "running"
        assert alive(stranger.pid)
        console.command(run_id, "stop")
        console.record(run_id, lambda r: r.state == "stopped")
        assert stranger.wait(10) == -signal.SIGTERM


def test_a_number_that_passed_to_another_process_is_not_adopted(
    node: Node, console: Asker, stranger: subprocess.Popen[bytes]
) -> None:
    pid, ticks = identity(stranger.pid)
    refused(console.ask(AdoptProcess(secrets.token_hex(16), pid, ticks + 1, "x")), "gone")
    refused(console.ask(AdoptProcess(secrets.token_hex(16), 1, 0, "x")), "refused")
    agent = AdoptProcess(secrets.token_hex(16), *identity(console.agent.pid), "x")
    refused(console.ask(agent), "refused")
    assert node.runs.all() == []


def test_a_process_of_a_live_run_belongs_to_it(node: Node, console: Asker) -> None:
    wanted = script("owner", "sleep 600 & sleep 600")
    pid = console.start(wanted).pid
    child = until(lambda: [one for one in node.processes(wanted.run_id) if one != pid])[0]
    ask = AdoptProcess(secrets.token_hex(16), *identity(child), "x")
    assert wanted.run_id in refused(console.ask(ask), "exists")


@as_root
def test_another_users_process_is_neither_adopted_nor_offered_anything(
    node: Node, console: Asker
) -> None:
    (node.home / "work").mkdir()
    wanted = spec("mine", "sleep", "61235", directory="work")
    console.start(wanted)
    theirs = subprocess.Popen(["sleep", "61235"], cwd=node.home / "work", user=65534)
    try:
        ask = AdoptProcess(secrets.token_hex(16), *identity(theirs.pid), "theirs")
        assert "another user" in refused(console.ask(ask), "not_permitted")
        [orphan] = until(lambda: found(console, "duplicate", node))
        assert (orphan.pid, orphan.acts) == (theirs.pid, ())
        refused(console.ask(ClearOrphan(orphan.orphan_id, "kill")), "refused")
        assert alive(theirs.pid)
    finally:
        theirs.kill()
        theirs.wait()


def test_what_a_worker_left_in_its_folder_is_kept_aside(node: Node, console: Asker) -> None:
    text = "import os; open(os.path.join(os.environ['QD_RUN_DIR'], 'best.pt'), 'w').write('x')"
    wanted = spec("leaves", sys.executable, "-c", text)
    console.start(wanted)
    console.record(wanted.run_id, lambda r: r.state == "exited")
    until(lambda: not node.keepers(wanted.run_id))
    done = console.ask(ForgetWorker(wanted.run_id))
    assert "best.pt" in done.text
    assert (node.folder / "kept" / wanted.run_id / "best.pt").read_text() == "x"


def test_where_processes_are_hidden_the_list_says_that_it_is_not_whole(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workers.agent.workers import orphans

    seen = orphans.process.table()
    assert orphans.find(node.runs).complete
    seen.pop(1, None)
    monkeypatch.setattr(orphans.process, "table", lambda: seen)
    report = orphans.find(node.runs)
    assert not report.complete
    assert "other users" in report.missing[0]
