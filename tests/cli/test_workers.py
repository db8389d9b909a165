"""`quarterdeck workers` and `run` from outside: real workers on this machine, exit codes and shapes for scripts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.cli.log_text import TerminalText
from console.cli.main import run
from tests.cli.program import Outcome, Program
from tests.processes import alive
from tests.running import runs_below, sweep
from tests.terminal import Terminal

SHAPE = {
    "name", "node", "run_id", "state", "desired", "health", "flags", "pid", "exit_code", "signal",
    "lost_reason", "started_at", "restarts", "progress",
}  # fmt: skip
PRESETS = """
nodes: [local]
presets:
  - name: nap
    command: [sleep, "600"]
    environment: {SECRET: {from_file: ~/hidden}, SHOWN: value}
    copies: 2
  - {name: no-room, command: [sleep, "600"], preflight: {files: [not/there]}}
"""


@pytest.fixture(autouse=True)
def swept(quarterdeck: Program) -> Iterator[None]:
    """Nothing that was started outlives the test."""
    yield
    sweep(quarterdeck.home)


def start(quarterdeck: Program, name: str, *command: str, **options: str) -> Outcome:
    given = [word for key, value in options.items() for word in (f"--{key}", value)]
    behind = command or ("sleep", "600")
    return quarterdeck(
        "workers", "start", "--node", "local", "--name", name, *given, "--", *behind
    )  # fmt: skip


def workers(quarterdeck: Program) -> dict[str, dict[str, object]]:
    done = quarterdeck("workers", "list", "--json")
    assert done.code == 0, done.err
    return {worker["name"]: worker for worker in done.json["workers"]}


def test_from_start_to_forgotten(quarterdeck: Program) -> None:
    done = start(quarterdeck, "nap")
    assert done.code == 0, done.err
    listed = quarterdeck("workers", "list", "--json").json
    (worker,) = listed["workers"]
    assert (listed["schema"], set(worker)) == (1, SHAPE)
    assert set(worker["progress"]) == {"done", "total", "unit", "per_minute"}
    assert (worker["name"], worker["node"], worker["state"], worker["desired"]) == (
        "nap", "local", "running", "running",
    )  # fmt: skip
    assert Path(f"/proc/{worker['pid']}/cmdline").read_bytes() == b"sleep\x00600\x00"
    status = quarterdeck("status", "--json").json
    assert status["nodes"][0]["workers"] == [{"name": "nap", "state": "running"}]
    assert "nap" in quarterdeck("workers", "list").out

    again = start(quarterdeck, "nap")
    assert (again.code, worker["run_id"][:12] in again.err) == (4, True)
    assert quarterdeck("workers", "forget", "nap").code == 4
    assert quarterdeck("nodes", "uninstall", "local", "--yes").code == 4
    assert alive(worker["pid"])

    stopped = quarterdeck("workers", "stop", "nap", "--wait", "--json")
    assert stopped.code == 0, stopped.err
    assert stopped.json["outcomes"][0]["state"] == "stopped"
    assert not runs_below(quarterdeck.home)
    now = workers(quarterdeck)["nap"]
    assert (now["run_id"], now["state"], now["signal"]) == (worker["run_id"], "stopped", 15)
    assert quarterdeck("workers", "forget", "nap").code == 0
    assert workers(quarterdeck) == {}


def test_a_log_is_given_byte_for_byte(quarterdeck: Program) -> None:
    said = b"a\r\nb\xff\x00\x1b[31mred\x1b]52;c;eA==\x07\n" * 3
    text = f"import sys; sys.stdout.buffer.write({said!r}); print('oops', file=sys.stderr)"
    assert start(quarterdeck, "talk", sys.executable, "-c", text).code == 0
    argv = [sys.executable, "-m", "console", "workers", "logs", "talk", "--node", "local"]
    for stream, wanted in (("out", said), ("err", b"oops\n")):
        done = subprocess.run(
            [*argv, "-f", "--stream", stream], env=quarterdeck.environment, capture_output=True,
            timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, wanted), done.stderr
    both = subprocess.run(argv, env=quarterdeck.environment, capture_output=True, timeout=60)
    assert sorted(both.stdout) == sorted(said + b"oops\n")
    assert quarterdeck("workers", "logs", "talk", "--last", "5", "--stream", "err").out == "oops\n"


def test_a_log_on_a_terminal_cannot_act_but_keeps_its_colours(quarterdeck: Program) -> None:
    text = r"import sys; sys.stdout.write('\033]0;owned\007\033[31mred\033[0m\n\033c')"
    assert start(quarterdeck, "talk", sys.executable, "-c", text).code == 0
    argv = [sys.executable, "-m", "console", "workers", "logs", "talk", "-f"]
    terminal = Terminal(argv, 80, 24, {**quarterdeck.environment, "TERM": "xterm-256color"})
    try:
        assert terminal.wait_for_exit() == 0
        assert b"\x1b[31mred\x1b[0m" in terminal.raw
        assert b"\x1b]0;" not in terminal.raw
        assert b"\x1bc" not in terminal.raw
    finally:
        terminal.close()


def test_colours_survive_any_cut() -> None:
    data = "x\x1b[1;31mä\x1b[0m\x1b]0;t\x07\r\n\x1b[2Jend\x1b".encode()
    for cut in range(len(data)):
        text = TerminalText()
        shown = text.take(data[:cut]) + text.take(data[cut:]) + text.end()
        left = re.sub(r"\x1b\[[0-9;:]*m", "", shown)
        assert "\x1b" not in left
        assert "\x07" not in left
        assert shown.startswith("x\x1b[1;31mä\x1b[0m")


def test_an_exit_code_is_a_failure_only_where_it_is_waited_for(quarterdeck: Program) -> None:
    assert start(quarterdeck, "brief", "sh", "-c", "exit 7").code == 0
    worker = workers(quarterdeck)["brief"]
    assert (worker["state"], worker["exit_code"]) == ("exited", 7)
    waited = quarterdeck(
        "workers", "start", "--wait", "--node", "local", "--name", "brief", "--", "sh", "-c", "exit 7"
    )  # fmt: skip
    assert (waited.code, "exit 7" in waited.err) == (1, True)
    missing = start(quarterdeck, "missing", "/no/such/program")
    assert (missing.code, "/no/such/program" in missing.err) == (1, True)


def test_presets_copies_and_what_stands_against_them(quarterdeck: Program) -> None:
    quarterdeck.settings(PRESETS)
    (quarterdeck.home / "hidden").write_text("not told\n")
    listed = quarterdeck("workers", "presets", "--json").json["presets"]
    assert [preset["name"] for preset in listed][:2] == ["nap", "no-room"], "one's own come first"
    assert "no-room" in quarterdeck("workers", "presets").out
    dry = quarterdeck("workers", "start", "--preset", "nap", "--dry-run")
    assert dry.code == 0, dry.err
    assert "nap-2@local" in dry.out
    assert "SHOWN=value SECRET=<file ~/hidden> sleep 600" in dry.out
    assert "not told" not in dry.out
    assert workers(quarterdeck) == {}
    assert quarterdeck("workers", "start", "--preset", "nap").code == 0
    assert set(workers(quarterdeck)) == {"nap-1", "nap-2"}
    refused = quarterdeck("workers", "start", "--preset", "no-room", "--node", "local")
    assert (refused.code, "not/there" in refused.err) == (4, True)
    unmeant = quarterdeck("workers", "start", "--preset", "np", "--node", "local")
    assert (unmeant.code, "did you mean nap" in unmeant.err) == (2, True)
    killed = quarterdeck("workers", "kill", "nap-*")
    assert (killed.code, "--yes" in killed.err) == (4, True)
    assert len(runs_below(quarterdeck.home)) == 2
    assert quarterdeck("workers", "kill", "--yes", "nap-*", "--wait").code == 0
    assert not runs_below(quarterdeck.home)


def test_a_restart_is_waited_for(quarterdeck: Program) -> None:
    start(quarterdeck, "nap")
    before = workers(quarterdeck)["nap"]
    assert quarterdeck("workers", "restart", "nap", "--wait").code == 0
    after = workers(quarterdeck)["nap"]
    assert (after["run_id"], after["state"]) == (before["run_id"], "running")
    assert after["pid"] != before["pid"]
    drained = quarterdeck("workers", "drain", "nap")
    assert (drained.code, "drain" in drained.err) == (4, True)


def test_read_only_and_what_cannot_be_meant(quarterdeck: Program) -> None:
    start(quarterdeck, "nap")
    for words in (
        ("workers", "stop", "nap", "--read-only"),
        ("--read-only", "workers", "kill", "nap"),
        ("workers", "start", "--read-only", "--node", "local", "--", "true"),
        ("run", "--read-only", "--nodes", "local", "--", "true"),
    ):
        assert quarterdeck(*words).code == 4
    assert workers(quarterdeck)["nap"]["state"] == "running"
    nobody = quarterdeck("workers", "stop", "nip")
    assert (nobody.code, "did you mean nap" in nobody.err) == (2, True)


@pytest.mark.parametrize(
    "line",
    [
        "workers", "workers stat", "workers start --node local", "workers stop",
        "workers start --node local --restart often -- true", "run --nodes local",
        "workers start --node local --grace soon -- true", "workers start --node local --env A -- x",
        "workers logs", "run -- true",
    ],
)  # fmt: skip
def test_usage_errors_are_exit_2(
    line: str,
    quarterdeck: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOME", str(quarterdeck.home))
    assert run(line.split()) == 2
    assert capsys.readouterr().err.startswith("quarterdeck: ")


def test_a_command_is_collected_and_forgotten(quarterdeck: Program) -> None:
    done = quarterdeck("run", "--nodes", "*", "--", "sh", "-c", "echo hi; echo no >&2; exit 2")
    assert (done.code, sorted(done.out.split())) == (1, ["hi", "no"])
    assert "exit 2" in done.err
    shown = quarterdeck("run", "--json", "--nodes", "local", "--", "echo", "-n", "x y")
    (node,) = shown.json["nodes"]
    assert (shown.code, node["output"], node["exit_code"]) == (0, "x y", 0)
    late = quarterdeck("run", "--nodes", "local", "--timeout", "0.5", "--", "sleep", "600")
    assert (late.code, "stopped after" in late.err) == (1, True)
    assert quarterdeck("workers", "list", "--all", "--json").json["workers"] == []
    far = quarterdeck("run", "--nodes", "127.0.0.1:9", "--", "true")
    assert (far.code, "nothing was sent" in far.err) == (3, True)


def test_a_foreign_process_is_adopted_and_stays_what_it_is(quarterdeck: Program) -> None:
    process = subprocess.Popen(["sleep", "600"])
    try:
        done = quarterdeck(
            "workers", "adopt", str(process.pid), "--node", "local", "--name", "mine", "--json"
        )
        assert done.code == 0, done.err
        worker = workers(quarterdeck)["mine"]
        assert (worker["pid"], worker["flags"]) == (process.pid, ["adopted"])
        assert quarterdeck("workers", "orphans").code == 0
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_logs_are_followed_until_ctrl_c(quarterdeck: Program) -> None:
    start(quarterdeck, "tick", "sh", "-c", "while :; do echo tick; sleep 0.1; done")
    argv = [sys.executable, "-m", "console", "workers", "logs", "tick", "-f"]
    process = subprocess.Popen(argv, env=quarterdeck.environment, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        for _ in range(5):
            assert process.stdout.readline() == b"tick\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 130
    finally:
        process.kill()
        process.wait()
    assert workers(quarterdeck)["tick"]["state"] == "running"


def test_the_audit_log_has_every_command(quarterdeck: Program) -> None:
    start(quarterdeck, "nap", "sh", "-c", "sleep 600", env="HF_TOKEN=hf_secretsecretsecretsecret")
    quarterdeck("workers", "stop", "nap", "--wait")
    path = quarterdeck.home / ".local" / "state" / "quarterdeck" / "audit.jsonl"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    verbs = [entry["verb"] for entry in entries if entry["result"] != "asked"]
    assert verbs == ["workers.start", "workers.stop"]
    assert "secretsecret" not in path.read_text()
    assert os.stat(path).st_mode & 0o777 == 0o600
