"""Stop, kill, restart, drain and forget through the agent, and two consoles that want different things."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.agent_workers.node import Asker, Node, refused, script, sleeper, spec, until
from tests.processes import alive
from workers.protocol import (
    Done,
    ForgetWorker,
    Uninstall,
    UninstallReport,
    WorkerReply,
)


def test_a_stop_is_obeyed_at_once_and_leaves_nothing(node: Node, console: Asker) -> None:
    wanted = sleeper()
    pid = console.start(wanted).pid
    reply = console.command(wanted.run_id, "stop")
    assert (reply.record.desired, reply.record.by, reply.record.sequence) == (
        "stopped",
        "ada@desk",
        2,
    )
    record = console.record(wanted.run_id, lambda r: r.state == "stopped")
    assert (record.signal, record.exit_code, record.lost_reason) == (15, None, None)
    assert not alive(pid or 0)
    until(lambda: not node.keepers(wanted.run_id))


def test_a_killed_worker_says_so(console: Asker) -> None:
    wanted = script("stubborn", "trap '' TERM; echo ready; sleep 600 & wait; sleep 600")
    console.start(wanted)
    console.record(wanted.run_id, lambda r: r.last_line == "ready")
    console.command(wanted.run_id, "kill")
    assert console.record(wanted.run_id, lambda r: r.state == "stopped").signal == 9


def test_a_stop_of_what_is_over_changes_nothing(console: Asker) -> None:
    wanted = spec("done", "true")
    console.start(wanted)
    console.record(wanted.run_id, lambda r: r.state == "exited" and r.exit_code == 0)
    reply = console.command(wanted.run_id, "stop")
    assert reply.notes == ("done is over already",)
    assert (reply.record.state, reply.record.desired) == ("exited", "running")


def test_a_restart_is_a_new_attempt_of_the_same_run(node: Node, console: Asker) -> None:
    wanted = script("again", "echo x >> $HOME/started; sleep 600")
    first = console.start(wanted)
    console.command(wanted.run_id, "restart")
    record = console.record(wanted.run_id, lambda r: r.attempt == 2 and r.state == "running")
    assert record.pid != first.pid
    assert not alive(first.pid or 0)
    until(lambda: (node.home / "started").read_text() == "x\nx\n")


def test_a_run_that_is_over_starts_again_on_request(node: Node, console: Asker) -> None:
    wanted = script("twice", "echo x >> $HOME/started; exit 3")
    console.start(wanted)
    console.record(wanted.run_id, lambda r: r.state == "exited" and r.exit_code == 3)
    until(lambda: not node.keepers(wanted.run_id))
    assert isinstance(console.command(wanted.run_id, "restart"), WorkerReply)
    console.record(wanted.run_id, lambda r: r.state == "exited" and r.attempt == 2)
    assert (node.home / "started").read_text() == "x\nx\n"


def test_a_restart_is_refused_while_another_run_has_the_name(console: Asker) -> None:
    first = spec("name", "true")
    console.start(first)
    console.record(first.run_id, lambda r: r.state == "exited")
    second = sleeper("name")
    console.start(second)
    assert second.run_id in refused(console.command(first.run_id, "restart"), "exists")


def test_of_two_consoles_the_later_is_told_that_it_was_overtaken(
    node: Node, console: Asker
) -> None:
    wanted = sleeper()
    console.start(wanted)
    with node.agent() as other:
        seen = other.record(wanted.run_id).sequence
        assert isinstance(console.command(wanted.run_id, "restart", sequence=seen), WorkerReply)
        text = refused(other.command(wanted.run_id, "stop", sequence=seen), "superseded")
        assert "restart" in text
        assert "ada@desk" in text
        assert other.record(wanted.run_id, lambda r: r.attempt == 2).desired == "running"
        assert isinstance(other.command(wanted.run_id, "stop"), WorkerReply)


def test_a_drain_reaches_a_worker_that_knows_it(console: Asker) -> None:
    text = (
        "import os, time\nprint('ready', flush=True)\n"
        "while not os.path.exists(os.environ['QD_DRAIN']): time.sleep(0.02)\nprint('drained')"
    )
    wanted = spec("drains", sys.executable, "-c", text, drain=True)
    console.start(wanted)
    console.record(wanted.run_id, lambda r: r.last_line == "ready")
    assert console.command(wanted.run_id, "drain").record.desired == "drained"
    record = console.record(wanted.run_id, lambda r: r.state in ("exited", "stopped"))
    assert (record.exit_code, record.signal) == (0, None)


def test_a_worker_that_cannot_drain_is_offered_a_stop(console: Asker) -> None:
    wanted = sleeper()
    console.start(wanted)
    assert "stop it instead" in refused(console.command(wanted.run_id, "drain"), "refused")
    assert console.record(wanted.run_id).desired == "running"


def test_an_unknown_run_and_an_unknown_act_are_said(console: Asker) -> None:
    refused(console.command("0" * 32, "stop"), "gone")
    refused(console.command("../../etc", "stop"), "gone")
    wanted = sleeper()
    console.start(wanted)
    refused(console.command(wanted.run_id, "explode"), "bad_request")


# ---------------------------------------------------------------- forgetting


def test_what_lives_is_never_forgotten(node: Node, console: Asker) -> None:
    wanted = sleeper()
    pid = console.start(wanted).pid
    refused(console.ask(ForgetWorker(wanted.run_id)), "refused")
    assert alive(pid or 0)
    assert node.runs.get(wanted.run_id) is not None


def test_what_is_over_is_forgotten_and_the_report_says_so(node: Node, console: Asker) -> None:
    wanted = spec("over", "true")
    console.start(wanted)
    console.record(wanted.run_id, lambda r: r.state == "exited")
    until(lambda: not node.keepers(wanted.run_id))
    assert isinstance(console.ask(ForgetWorker(wanted.run_id)), Done)
    assert not Path(node.folder, "runs", wanted.run_id).exists()
    until(lambda: wanted.run_id not in {r.run_id for r in console.report().workers})
    refused(console.ask(ForgetWorker(wanted.run_id)), "gone")


def test_a_node_is_not_uninstalled_while_a_worker_lives(node: Node, console: Asker) -> None:
    alive_one, over = sleeper("alive"), spec("over", "true")
    console.start(alive_one)
    console.start(over)
    text = refused(console.ask(Uninstall(confirm=True)), "refused")
    assert "alive" in text
    assert node.runs.get(over.run_id) is not None
    console.command(alive_one.run_id, "kill")
    until(lambda: not node.keepers(alive_one.run_id) and not node.keepers(over.run_id))
    listed = console.ask(Uninstall())
    assert isinstance(listed, UninstallReport)
    assert str(node.folder / "runs" / over.run_id) in listed.paths
    assert not listed.removed
    assert node.runs.get(over.run_id) is not None
    report = console.ask(Uninstall(confirm=True))
    assert report.removed
    assert report.kept == ()
    assert not os.path.exists(node.state)
