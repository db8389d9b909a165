"""The program from outside: a real agent on this machine, real refusals, exit codes for scripts."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.cli.main import run
from tests.cli.program import Program
from tests.terminal import Terminal


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_status_of_this_machine_without_any_settings(quarterdeck: Program) -> None:
    done = quarterdeck("status", "--json")
    assert done.code == 0, done.err
    status = done.json
    (node,) = status["nodes"]
    assert (status["schema"], node["name"], node["state"]) == (1, "local", "up")
    assert node["hostname"] == socket.gethostname()
    assert node["memory"]["total_bytes"] > 0
    assert node["process_count"] > 1
    assert node["cpu_percent"] is not None
    assert done.err == ""


def test_status_waits_for_the_first_count_of_each_dataset(quarterdeck: Program) -> None:
    (quarterdeck.home / "games").mkdir()
    (quarterdeck.home / "games" / "a.jsonl").write_text("{}\n" * 30)
    quarterdeck.settings(
        "nodes: [local]\n"
        "datasets:\n"
        '  - {name: games, paths: ["games/*.jsonl"]}\n'
        '  - {name: none, paths: ["nowhere/*.jsonl"]}\n'
    )
    done = quarterdeck("status", "--json")
    assert done.code == 0, done.err
    counts = {count["name"]: count for count in done.json["nodes"][0]["datasets"]}
    assert (counts["games"]["records"], counts["games"]["files"]) == (30, 1)
    assert counts["none"]["records"] is None  # a folder that is not there is not an empty one
    assert "not there" in counts["none"]["reason"]
    total = quarterdeck("data", "--json").json["totals"]["games"]
    assert total["records"] == 30
    assert "30" in quarterdeck("data").out


def test_a_refused_host_is_exit_3_and_the_reason_says_refused(quarterdeck: Program) -> None:
    host = f"127.0.0.1:{free_port()}"
    done = quarterdeck("status", "--json", host)
    assert done.code == 3
    (node,) = done.json["nodes"]
    assert node["state"] == "down"
    assert "refused" in node["reason"]
    assert done.json["alerts"][0]["kind"] == "node_down"
    ps = quarterdeck("ps", host)
    assert ps.code == 3
    assert "refused" in ps.err
    told = quarterdeck("diagnose", host)
    assert told.code == 3
    assert "refused" in told.out


@pytest.mark.parametrize(
    "line",
    [
        "statsu", "workers", "status --nope", "ps", "ps a b", "nodes", "ps signal local x TERM",
        "ps signal local 1 HUP", "status --filter gpu>many", "status a;b", "status -oProxyCommand=x",
        "completion csh", "alerts ack nonsense", "--interval soon status", "nodes add $(id)",
    ],
)  # fmt: skip
def test_usage_errors_are_exit_2_and_dial_nobody(
    line: str,
    quarterdeck: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOME", str(quarterdeck.home))
    assert run(line.split()) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("quarterdeck: ")


def test_wrong_settings_name_the_line(quarterdeck: Program) -> None:
    path = quarterdeck.settings("nodes: [local]\nintervall: 2\n")
    done = quarterdeck("status")
    assert done.code == 2
    assert f"{path}:2" in done.err
    check = quarterdeck("config", "check", "--json")
    assert check.code == 1
    assert check.json["ok"] is False
    assert "interval" in check.json["faults"][0]


def test_config_says_what_holds_and_where_it_comes_from(quarterdeck: Program) -> None:
    path = quarterdeck.settings("interval: 3\nread_only: true\n")
    assert quarterdeck("config", "check").code == 0
    shown = quarterdeck("config", "show").out
    assert any("interval" in line and f"{path}:1" in line for line in shown.splitlines())
    told = quarterdeck("config", "path", "--json").json
    assert told["files"] == [str(path)]
    assert quarterdeck("config", "show", "--json").json["settings"]["interval"] == 3


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process  # type: ignore[misc]
    process.kill()
    process.wait()


def test_processes_are_listed_and_signalled_by_identity(
    quarterdeck: Program, sleeper: subprocess.Popen[bytes]
) -> None:
    listed = quarterdeck("ps", "local", "--json").json
    assert sleeper.pid in {process["pid"] for process in listed["processes"]}
    assert any(process["cpu_percent"] is not None for process in listed["processes"])
    assert not any(line.endswith(" ") for line in quarterdeck("ps", "local").out.splitlines())
    pid = str(sleeper.pid)
    for refused in (
        quarterdeck("ps", "signal", "local", pid, "TERM"),  # nobody confirmed
        quarterdeck("ps", "signal", "local", pid, "TERM", "--yes", "--read-only"),
        quarterdeck("--read-only", "ps", "signal", "local", pid, "TERM", "--yes"),
        quarterdeck("ps", "signal", "local", pid, "4194303", "TERM", "--yes"),
    ):
        assert refused.code == 4, refused
        assert sleeper.poll() is None
    done = quarterdeck("ps", "signal", "local", pid, "term", "--yes", "--json")
    assert done.code == 0, done.err
    assert done.json["outcomes"] == [{"pid": sleeper.pid, "delivered": True, "reason": "delivered"}]
    assert sleeper.wait(10) == -signal.SIGTERM


def test_the_demo_needs_no_node(quarterdeck: Program) -> None:
    done = quarterdeck("--demo", "status", "--json")
    assert done.code == 3  # some of its nodes are down by design
    assert len(done.json["nodes"]) == 24
    alerts = quarterdeck("--demo", "alerts", "--json").json["alerts"]
    assert {"disk_nearly_full", "gpu_lost", "cpu_contention"} <= {a["kind"] for a in alerts}
    some = quarterdeck("--demo", "status", "--json", "--filter", "state:attention").json
    assert {node["state"] for node in some["nodes"]} == {"attention"}


def test_the_demo_shows_the_nodes_that_are_named_and_changes_no_settings(
    quarterdeck: Program,
) -> None:
    named = quarterdeck("--demo", "status", "gpu-1", "--json")
    assert [node["name"] for node in named.json["nodes"]] == ["gpu-1"]
    assert quarterdeck("--demo", "ps", "gpu-1", "--json").json["processes"]
    assert len(quarterdeck("--demo", "nodes", "list", "--json").json["nodes"]) == 24
    missing = quarterdeck("--demo", "ps", "gpu-99")
    assert (missing.code, "no node gpu-99" in missing.err) == (2, True)
    for verb in ("add", "remove"):
        assert quarterdeck("--demo", "nodes", verb, "gpu-1").code == 2
    assert not (quarterdeck.home / ".config").exists()


def test_an_acknowledged_alert_stays_so(quarterdeck: Program) -> None:
    quarterdeck.settings(f"nodes: ['127.0.0.1:{free_port()}']\n")
    (alert,) = quarterdeck("alerts", "--json").json["alerts"]
    assert alert["acknowledged"] is False
    assert quarterdeck("alerts", "ack", alert["id"]).code == 0
    (again,) = quarterdeck("alerts", "--json").json["alerts"]
    assert again["acknowledged"] is True


def test_version_help_and_completion(capsys: pytest.CaptureFixture[str]) -> None:
    def said(line: str) -> str:
        try:
            code = run(line.split())
        except SystemExit as end:  # argparse's own way out of --help
            code = int(end.code or 0)
        assert code == 0
        return capsys.readouterr().out

    assert json.loads(said("version --json"))["schema"] == 1
    assert said("version").startswith("quarterdeck ")
    assert "HOST" in said("--help")
    nouns = said("help")
    assert all(verb in nouns for verb in ("status", "nodes", "diagnose", "workers", "run"))
    assert not any(f"    {verb} " in nouns for verb in ("loop", "serve"))
    for shell in ("bash", "zsh", "fish"):
        assert "diagnose" in said(f"completion {shell}")


def test_the_bash_completion_completes(quarterdeck: Program, tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(quarterdeck("completion", "bash").out)
    ask = f'. {script}; COMP_WORDS=(quarterdeck nodes ch); COMP_CWORD=2; _quarterdeck; echo "${{COMPREPLY[*]}}"'
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, timeout=20)
    assert done.stdout.strip() == "check"


def test_a_pipe_needs_no_colour_and_no_terminal(quarterdeck: Program) -> None:
    done = quarterdeck("--demo", "status", TERM="xterm-256color")
    assert "\x1b" not in done.out
    screen = quarterdeck("--demo")
    assert screen.code == 2
    assert "terminal" in screen.err


def test_ctrl_c_ends_it_cleanly(quarterdeck: Program) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "console", "status", "--watch", "--json"],
        env=quarterdeck.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b'{"schema": 1')
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read() == b""


def test_a_reader_that_goes_away_is_no_error(quarterdeck: Program) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "console", "--demo", "status", "--watch", "--json"],
        env=quarterdeck.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        deadline = time.monotonic() + 30
        while process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert process.returncode == 141
        assert process.stderr.read() == b""


def test_the_command_line_starts_without_the_screen_or_ssh() -> None:
    code = (
        "import sys, console.__main__, console.cli.status, console.cli.data, console.cli.ps\n"
        "print(*sorted({'textual', 'asyncssh', 'cryptography', 'pydantic', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == [], done.stderr


def test_the_console_opens_on_a_terminal_with_the_filter_it_was_given(
    quarterdeck: Program,
) -> None:
    argv = [sys.executable, "-m", "console", "--demo", "--filter", "name:vast"]
    with Terminal(argv, 160, 45, {**quarterdeck.environment, "TERM": "xterm-256color"}) as terminal:
        terminal.wait_for("vast-1", 30)
        assert "lambda-1" not in terminal.text
        terminal.send("\x11")
        assert terminal.wait_for_exit() == 0
