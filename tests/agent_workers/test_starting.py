"""A start through the agent: exactly once, refused with words, and what cannot be executed is said."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.agent_workers.node import Asker, Node, refused, script, sleeper, spec, until
from tests.processes import alive
from workers.protocol import (
    CheckWorker,
    DiskNeed,
    Preflight,
    StartWorker,
    WorkerCheck,
    WorkerReply,
)


def test_a_started_worker_is_reported_with_its_first_line(node: Node, console: Asker) -> None:
    wanted = script("hello", "echo hello; echo world; sleep 600", tags=("t",))
    reply = console.start(wanted)
    assert (reply.state, reply.desired, reply.attempt) == ("running", "running", 1)
    record = console.record(wanted.run_id, lambda r: r.last_line == "world" and r.processes == 2)
    assert record.pid == reply.pid
    assert record.memory_bytes
    assert record.log_bytes == 12
    assert record.by == "ada@desk"
    assert (record.tags, record.sequence, record.warnings) == (("t",), 1, ())
    assert alive(record.pid or 0)


def test_the_same_start_asked_again_is_the_same_worker(node: Node, console: Asker) -> None:
    """The reply was lost, or two agents carried the same ask."""
    wanted = script("once", "echo x >> $HOME/started; sleep 600")
    first = console.start(wanted)
    assert console.start(wanted).pid == first.pid
    with node.agent() as other:
        assert other.start(wanted).pid == first.pid
    assert (node.home / "started").read_text() == "x\n"


def test_a_live_name_is_refused_naming_the_run_and_who_started_it(console: Asker) -> None:
    first = sleeper("trainer")
    console.start(first)
    text = refused(console.ask(StartWorker(sleeper("trainer"))), "exists")
    assert first.run_id in text
    assert "ada@desk" in text


def test_a_singleton_names_its_holder(console: Asker) -> None:
    console.start(sleeper("sync-a", singleton="sync"))
    text = refused(console.ask(StartWorker(sleeper("sync-b", singleton="sync"))), "exists")
    assert "'sync'" in text
    assert "sync-a" in text


def test_of_twenty_starts_at_once_one_wins_and_the_others_name_it(node: Node) -> None:
    with ExitStack() as stack:
        consoles = [stack.enter_context(node.agent(watch=False)) for _ in range(4)]
        wanted = [
            (console, script("one", "echo x >> $HOME/started; sleep 600"))
            for console in consoles
            for _ in range(5)
        ]
        asked = [(console, console.send(StartWorker(one)), one) for console, one in wanted]
        replies = [(console.answer(stream), one) for console, stream, one in asked]
        winners = [one for reply, one in replies if isinstance(reply, WorkerReply)]
        assert len(winners) == 1
        for reply, one in replies:
            if one is not winners[0]:
                assert winners[0].run_id in refused(reply, "exists")
    until(lambda: (node.home / "started").exists())
    assert (node.home / "started").read_text() == "x\n"
    assert [run.run_id for run in node.runs.all()] == [winners[0].run_id]


def test_one_run_asked_of_many_agents_at_once_is_one_worker(node: Node) -> None:
    wanted = script("same", "echo x >> $HOME/started; sleep 600")
    with ExitStack() as stack:
        consoles = [stack.enter_context(node.agent(watch=False)) for _ in range(4)]
        streams = [(console, console.send(StartWorker(wanted))) for console in consoles]
        replies = [console.answer(stream) for console, stream in streams]
    assert {reply.record.pid for reply in replies} == {replies[0].record.pid}
    assert (node.home / "started").read_text() == "x\n"


# ---------------------------------------------------------------- what cannot be executed


def no_such_program(_: Path) -> tuple[str, ...]:
    return ("/no/such/program",)


def no_permission(folder: Path) -> tuple[str, ...]:
    (folder / "tool").write_text("#!/bin/sh\n")
    (folder / "tool").chmod(0o600)
    return (str(folder / "tool"),)


def no_interpreter(folder: Path) -> tuple[str, ...]:
    (folder / "tool").write_text("#!/no/such/python\n")
    (folder / "tool").chmod(0o700)
    return (str(folder / "tool"),)


def too_long(_: Path) -> tuple[str, ...]:
    return ("true", *["x" * 60_000] * 60)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (no_such_program, "/no/such/program: no such program"),
        (no_permission, "not executable"),
        (no_interpreter, "/no/such/python does not exist"),
        (too_long, "too large"),
    ],
)
def test_why_it_could_not_be_executed_is_said(
    console: Asker, tmp_path: Path, command: object, words: str
) -> None:
    record = console.start(spec("broken", *command(tmp_path)))  # type: ignore[operator]
    assert words in (record.error or "")
    assert (record.state, record.exit_code, record.signal) == ("exited", None, None)


def test_a_missing_directory_is_refused_before_anything_is_made(node: Node, console: Asker) -> None:
    reply = console.ask(StartWorker(sleeper(directory="projects/gone")))
    assert f"{node.home}/projects/gone" in refused(reply, "refused")
    assert node.runs.all() == []


def test_what_is_missing_for_a_start_is_named_all_at_once(node: Node, console: Asker) -> None:
    wanted = Preflight((DiskNeed("/", 2**62),), ("train.py",))
    text = refused(console.ask(StartWorker(sleeper(preflight=wanted))), "refused")
    assert f"{node.home}/train.py" in text
    assert "free some space" in text


def test_a_check_says_what_would_run_and_starts_nothing(node: Node, console: Asker) -> None:
    (node.home / "work").mkdir()
    wanted = spec(
        "checked", "python", "x.py", directory="work", interpreters=("venv-none",), needs=("json",)
    )
    check = console.ask(CheckWorker(wanted))
    assert isinstance(check, WorkerCheck)
    assert check.refusals == ()
    assert check.interpreter
    assert check.command == (check.interpreter, "x.py")
    assert check.directory == f"{node.home}/work"
    assert any("venv-none" in note for note in check.notes)
    assert node.runs.all() == []
    console.start(sleeper("taken"))
    taken = console.ask(CheckWorker(sleeper("taken")))
    assert "taken" in taken.refusals[0]


def test_a_worker_gets_its_virtual_environment(node: Node, console: Asker) -> None:
    venv = node.home / "venv-own"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    text = "import sys, os; print(sys.prefix, os.environ['VIRTUAL_ENV'], os.environ['PATH'])"
    wanted = spec("inside", "python", "-c", text, interpreters=("venv-own",))
    console.start(wanted)
    record = console.record(wanted.run_id, lambda r: r.state == "exited" and bool(r.last_line))
    prefix, environment, path = record.last_line.split(" ", 2)
    assert prefix == environment == str(venv)
    assert path.startswith(f"{venv}/bin:")


def test_without_gpus_a_worker_that_wants_one_is_refused(console: Asker) -> None:
    assert "GPU" in refused(console.ask(StartWorker(sleeper(gpus=1))), "refused")


def test_an_agent_without_a_state_directory_says_why_it_starts_nothing() -> None:
    from tests.agents import AgentProcess

    with AgentProcess(None) as agent:
        reply = Asker(agent).ask(StartWorker(sleeper()))
    assert "no state directory" in refused(reply, "refused")


def test_an_agent_without_descriptors_fails_cleanly_and_goes_on(node: Node) -> None:
    """Every number of descriptors left, from none on: a start succeeds, or it says why and left nothing."""
    with node.agent(watch=False) as console:
        console.start(sleeper("before"))
        failed = started = 0
        for left in (0, 1, 2, 3, 5):
            prlimit(console.agent.pid, limit_for(console.agent.pid, left))
            wanted = sleeper(f"starved-{left}")
            reply = console.ask(StartWorker(wanted))
            prlimit(console.agent.pid, 1024)
            if isinstance(reply, WorkerReply):
                started += 1
                until(lambda wanted=wanted: node.run(wanted.run_id).condition().pid is not None)
            else:
                failed += 1
                assert "open files" in refused(reply, "failed")
                assert node.runs.get(wanted.run_id) is None
        assert failed > 0
        assert console.start(sleeper("after")).state == "running"
    assert len(node.runs.all()) == 2 + started


def limit_for(pid: int, left: int) -> int:
    """The limit that leaves a process so many descriptors: below it there may be holes."""
    held = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    limit = 0
    while left >= 0:
        limit += 1
        left -= limit not in held
    return limit


def prlimit(pid: int, count: int) -> None:
    subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={count}:1024"], check=True)
