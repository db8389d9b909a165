"""Whoever dies, the next agent finds the same workers, and what really became of those that ended."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.agent_workers.node import Asker, Node, script, sleeper, spec, until
from tests.processes import alive
from workers.protocol import DescribeWorker, ForgetWorker, RestartRule, WorkerReply
from workers.supervisor.condition import LIVE
from workers.supervisor.sealed import seal, unseal

KERNEL = tuple(int(word) for word in platform.release().split(".")[:2])
exit_codes_of_strangers = pytest.mark.skipif(
    KERNEL < (6, 15), reason="this kernel tells an exit code to nobody but the parent"
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces")


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_a_killed_agent_touches_no_worker_and_the_next_one_shows_it(node: Node) -> None:
    wanted = script("lives", "echo x >> $HOME/started; sleep 600")
    with node.agent() as console:
        pid = console.start(wanted).pid
        kill(console.agent.pid)
        console.agent.process.wait()
    with node.agent() as console:
        record = console.record(wanted.run_id, within_s=6.0)
        assert (record.state, record.pid, record.attempt) == ("running", pid, 1)
        record = console.record(wanted.run_id, lambda r: r.processes is not None)
        assert (record.pid, record.flags) == (pid, ())
    assert (node.home / "started").read_text() == "x\n"
    assert len(node.keepers(wanted.run_id)) == 2


def test_agents_killed_at_any_moment_of_a_start_leave_one_worker_or_none(node: Node) -> None:
    """A second agent that is asked for the same run converges on one."""
    for number, pause_s in enumerate((0.0, 0.03, 0.06, 0.1, 0.15, 0.25)):
        wanted = script(f"start-{number}", f"echo x >> $HOME/started-{number}; sleep 600")
        from workers.protocol import StartWorker

        with node.agent(watch=False) as console:
            console.send(StartWorker(wanted))
            time.sleep(pause_s)  # the fault lies at this moment, whatever was reached by then
            kill(console.agent.pid)
            console.agent.process.wait()
        with node.agent() as console:
            assert console.start(wanted).state == "running"
        until(lambda number=number: (node.home / f"started-{number}").exists())
        assert (node.home / f"started-{number}").read_text() == "x\n"


@exit_codes_of_strangers
def test_with_both_supervisors_killed_the_worker_lives_on_and_its_code_is_known(
    node: Node, console: Asker
) -> None:
    wanted = script("orphaned", "until [ -e $HOME/go ]; do sleep 0.05; done; exit 37")
    pid = console.start(wanted).pid
    kill(*node.keepers(wanted.run_id))
    record = console.record(wanted.run_id, lambda r: "adopted" in r.flags)
    assert (record.state, record.pid, record.attempt) == ("running", pid, 1)
    until(lambda: len(node.keepers(wanted.run_id)) == 2)
    (node.home / "go").touch()
    record = console.record(wanted.run_id, lambda r: r.state == "exited")
    assert (record.exit_code, record.lost_reason, record.attempt) == (37, None, 1)


@exit_codes_of_strangers
def test_a_worker_that_ends_with_nobody_left_but_the_agent_has_its_code_kept(
    node: Node, console: Asker
) -> None:
    wanted = script("unwatched", "until [ -e $HOME/go ]; do sleep 0.05; done; exit 37")
    pid = console.start(wanted).pid or 0
    time.sleep(3.5)  # a turn of seeing to every run, by which the agent holds it
    keepers = node.keepers(wanted.run_id)
    for keeper in keepers:
        os.kill(keeper, signal.SIGSTOP)  # so that they see nothing of its end
    (node.home / "go").touch()
    until(lambda: not alive(pid))
    os.kill(console.agent.pid, signal.SIGSTOP)
    kill(*keepers)
    until(lambda: not Path(f"/proc/{pid}").exists())  # not even a zombie tells any more
    os.kill(console.agent.pid, signal.SIGCONT)
    record = console.record(wanted.run_id, lambda r: r.state not in LIVE)
    assert (record.state, record.exit_code) == ("exited", 37)


def test_one_whose_end_nobody_saw_is_lost_and_never_a_success(node: Node) -> None:
    wanted = sleeper()
    with node.agent() as console:
        pid = console.start(wanted).pid or 0
    keepers = node.keepers(wanted.run_id)
    for keeper in keepers:
        os.kill(keeper, signal.SIGSTOP)
    kill(pid, *keepers)
    until(lambda: not Path(f"/proc/{pid}").exists())  # a zombie would still tell
    with node.agent() as console:
        record = console.record(wanted.run_id, lambda r: r.state not in LIVE)
    assert (record.state, record.lost_reason) == ("lost", "supervisor")
    assert record.exit_code is None


def test_the_count_of_restarts_survives_agents_and_a_crash_loop_is_given_up(node: Node) -> None:
    rule = RestartRule("always", max_restarts=3, window_s=600.0, backoff_s=0.2, backoff_max_s=0.5)
    wanted = script("crashes", "echo x >> $HOME/started; exit 1", restart=rule)
    with node.agent() as console:
        console.start(wanted)
        console.record(wanted.run_id, lambda r: r.restarts >= 1)
        kill(console.agent.pid)
        console.agent.process.wait()
    with node.agent() as console:
        record = console.record(wanted.run_id, lambda r: r.crash_loop)
        assert (record.state, record.restarts, record.exit_code) == ("exited", 3, 1)
    assert (node.home / "started").read_text() == "x\n" * 4


def test_a_back_off_is_told_and_a_stop_in_it_holds(node: Node, console: Asker) -> None:
    rule = RestartRule("always", backoff_s=60.0, backoff_max_s=60.0)
    wanted = script("waits", "exit 1", restart=rule)
    console.start(wanted)
    record = console.record(wanted.run_id, lambda r: r.state == "backoff")
    assert record.restart_in_s is not None
    assert 0.0 <= record.restart_in_s <= 60.0
    kill(node.keepers(wanted.run_id)[0])
    console.command(wanted.run_id, "stop")
    record = console.record(wanted.run_id, lambda r: r.state == "stopped")
    until(lambda: not node.keepers(wanted.run_id))
    assert console.record(wanted.run_id).attempt == 1


def test_a_frozen_node_is_neither_lost_nor_restarted(node: Node, console: Asker) -> None:
    wanted = sleeper(restart=RestartRule("always"))
    pid = console.start(wanted).pid or 0
    tree = [*node.keepers(wanted.run_id), pid]
    for each in tree:
        os.kill(each, signal.SIGSTOP)
    time.sleep(4.0)  # longer than every period of looking
    record = console.record(wanted.run_id, lambda r: (r.running_s or 0.0) > 3.5)
    assert record.state == "running"
    for each in tree:
        os.kill(each, signal.SIGCONT)
    record = console.record(wanted.run_id)
    assert (record.state, record.pid, record.attempt, record.flags) == ("running", pid, 1, ())
    console.command(wanted.run_id, "stop")
    console.record(wanted.run_id, lambda r: r.state == "stopped")


def test_a_run_directory_deleted_with_its_supervisors_is_made_again_from_the_process(
    node: Node, console: Asker
) -> None:
    wanted = sleeper("deleted")
    pid = console.start(wanted).pid or 0
    os.kill(console.agent.pid, signal.SIGSTOP)  # so that no new pair comes in between
    kill(*node.keepers(wanted.run_id))
    shutil.rmtree(node.folder / "runs" / wanted.run_id)
    os.kill(console.agent.pid, signal.SIGCONT)
    record = console.record(
        wanted.run_id, lambda r: r.state == "running" and "adopted" in r.flags, 60.0
    )
    assert (record.pid, record.name, record.command) == (pid, "deleted", ("sleep", "600"))
    assert any("gone" in warning for warning in record.warnings)
    assert alive(pid)
    assert any("deleted" in notice.text for notice in console.notices)
    console.command(wanted.run_id, "stop")
    console.record(wanted.run_id, lambda r: r.state == "stopped")
    assert not alive(pid)


# ---------------------------------------------------------------- reboots and releases


def in_boot(boot: Path, *more: str) -> tuple[str, ...]:
    """Runs a command where the kernel names this boot as the file says."""
    text = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'
    return ("unshare", "-m", *more, "sh", "-c", text, str(boot))


def boot_named(folder: Path, number: int) -> Path:
    path = folder / f"boot-{number}"
    path.write_text(f"{number:08d}-0000-4000-8000-000000000000\n")
    return path


@as_root
def test_after_a_reboot_runs_are_lost_and_one_that_asked_for_it_comes_back_once(
    node: Node, tmp_path: Path
) -> None:
    left, back = sleeper("left"), sleeper("back", on_boot="restart")
    with node.agent(before=in_boot(boot_named(tmp_path, 1))) as console:
        first = [console.start(one).pid or 0 for one in (left, back)]
    kill(*node.keepers(left.run_id), *node.keepers(back.run_id), *first)
    until(lambda: not any(map(alive, first)))
    second = boot_named(tmp_path, 2)
    for _ in range(2):  # a second agent of the same boot restarts nothing again
        with node.agent(before=in_boot(second)) as console:
            record = console.record(left.run_id, lambda r: r.last_seen_at is not None)
            assert (record.state, record.lost_reason) == ("lost", "reboot")
            record = console.record(back.run_id, lambda r: r.state == "running")
            assert record.attempt == 2
            assert record.pid not in first
    node.clean()


@as_root
def test_another_life_of_a_container_never_takes_a_number_for_the_same_process(
    node: Node,
) -> None:
    """The boot is the same and the numbers begin anew: only the PID namespace tells."""
    wanted = sleeper("contained")
    life = ("unshare", "-p", "-f", "--kill-child", "--mount-proc")
    with node.agent(before=life) as console:
        first = console.start(wanted)
        assert first.state == "running"
    # The end of the first life: its init is gone, and all that lived in it.
    until(lambda: not node.processes(wanted.run_id))
    with node.agent(before=life) as console:
        other = sleeper("next")
        console.start(other)
        record = console.record(wanted.run_id, lambda r: r.state not in LIVE)
        assert record.state == "lost"
        assert record.exit_code is None
        assert console.record(other.run_id).state == "running"


def test_state_of_another_release_is_read_and_its_workers_are_left_alone(node: Node) -> None:
    """A later release wrote fields and events that this one does not know, an earlier one wrote fewer."""
    wanted = spec("kept", "sleep", "600")
    with node.agent() as console:
        pid = console.start(wanted).pid
    paths = node.run(wanted.run_id).paths
    change(Path(paths.spec), wings=2, schema=2)
    change(Path(paths.desired), colour="red")
    body = unseal(Path(paths.spec).read_bytes())
    for name in ("tags", "preflight", "progress_unit", "lock_files"):
        del body[name]
    Path(paths.spec).write_bytes(seal(body) + b"\n")
    last = json.loads(Path(paths.events).read_bytes().splitlines()[-1])
    with open(paths.events, "ab") as file:
        unknown = {"seq": last["seq"] + 1, "kind": "teleported", "wall": 1.0, "boottime": 1.0}
        file.write(seal(unknown) + b"\n")
    with node.agent() as console:
        record = console.record(wanted.run_id)
        assert (record.state, record.pid, record.name) == ("running", pid, "kept")
        details = console.ask(DescribeWorker(wanted.run_id))
        assert "teleported" in [event.text for event in details.events]
        assert isinstance(console.command(wanted.run_id, "stop"), WorkerReply)
        console.record(wanted.run_id, lambda r: r.state == "stopped")
        until(lambda: not node.keepers(wanted.run_id))
        console.ask(ForgetWorker(wanted.run_id))


def change(path: Path, **fields: object) -> None:
    """Adds fields to a sealed file."""
    body = unseal(path.read_bytes())
    path.write_bytes(seal({**body, **fields}) + b"\n")


def test_an_agent_on_the_oldest_python_starts_and_stops(node: Node) -> None:
    python = next((Path.home() / ".pyenv/versions").glob("3.9.*/bin/python"), None)
    if python is None:
        pytest.skip("no Python 3.9 here")
    wanted = sleeper("old")
    with node.agent(python=str(python)) as console:
        assert console.start(wanted).state == "running"
        console.command(wanted.run_id, "stop")
        console.record(wanted.run_id, lambda r: r.state == "stopped")
