"""The main job in a real terminal against real sshd nodes, and what happens when they fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from tests.e2e.conftest import Fleet, OpenConsole
from tests.processes import descendants

CTRL_Q = "\x11"


def up(*names: str) -> Callable[[str], bool]:
    """Holds where each of these nodes is shown as up."""
    return lambda text: all(f"● {name}" in text for name in names)


def test_three_nodes_fill_in_and_every_screen_opens(
    fleet: Fleet, open_console: OpenConsole
) -> None:
    terminal = open_console()
    terminal.wait_for(up("h1", "h2", "h3"), 30)
    for name in ("h1", "h2", "h3"):
        assert name in terminal.text
    terminal.wait_for("games", 20)
    terminal.wait_for(lambda text: text.count("30") >= 3, 20)

    terminal.send("\r")
    terminal.wait_for("Overview")
    terminal.wait_for("Processes")
    terminal.send("\x1b")
    terminal.wait_for(up("h1", "h2", "h3"))
    terminal.send("4")
    # Three entries, one machine: what it holds counts once in the total.
    terminal.wait_for(lambda text: text.count("counted as h") == 2)
    terminal.send("7")
    terminal.wait_for("Alerts")
    terminal.send("1")
    terminal.wait_for(up("h1", "h2", "h3"))
    terminal.send("/h2\r")
    terminal.wait_for(lambda text: "h2" in text and "h3" not in text)
    terminal.send("\x1b")
    terminal.wait_for("h3")
    terminal.send(CTRL_Q)
    assert terminal.wait_for_exit() == 0
    assert b"\x1b[?1049l" in terminal.raw, "the terminal's own screen was given back"


def test_a_killed_session_comes_back_by_itself(fleet: Fleet, open_console: OpenConsole) -> None:
    terminal = open_console()
    terminal.wait_for(up("h1", "h2", "h3"), 30)
    killed = fleet.servers[1].connections()
    fleet.servers[1].kill_sessions()
    deadline = time.monotonic() + 15
    while not set(fleet.servers[1].connections()) - set(killed):
        terminal.pump(0.1)
        assert time.monotonic() < deadline, f"never connected again\n{terminal.text}"
    terminal.wait_for(up("h1", "h2", "h3"), 20)


def test_a_stopped_server_says_refused_and_comes_back(
    fleet: Fleet, open_console: OpenConsole
) -> None:
    terminal = open_console()
    terminal.wait_for(up("h1", "h2", "h3"), 30)
    fleet.servers[2].stop()
    terminal.wait_for(lambda text: not up("h3")(text), 10)
    terminal.wait_for("refused", 20)
    fleet.servers[2].start()
    terminal.wait_for(up("h1", "h2", "h3"), 40)


def test_a_frozen_node_goes_stale_then_down_then_returns(
    fleet: Fleet, open_console: OpenConsole
) -> None:
    terminal = open_console()
    terminal.wait_for(up("h1", "h2", "h3"), 30)
    # The listener too: a node that answers a new connection is back at once.
    frozen = [fleet.servers[0].pid, *descendants(fleet.servers[0].pid)]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        assert terminal.wait_for("stale", 12) >= 1.0
        terminal.wait_for("down", 40)
    finally:
        for pid in frozen:
            if os.path.exists(f"/proc/{pid}"):
                os.kill(pid, signal.SIGCONT)
    terminal.wait_for(up("h1", "h2", "h3"), 40)


def test_nothing_is_left_on_the_nodes_when_the_console_is_killed(
    fleet: Fleet, open_console: OpenConsole
) -> None:
    terminal = open_console()
    terminal.wait_for(up("h1", "h2", "h3"), 30)
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.wait_for_exit()
    deadline = time.monotonic() + 20
    while left := [pid for server in fleet.servers for pid in descendants(server.pid)]:
        assert time.monotonic() < deadline, f"left running: {left}"
        time.sleep(0.1)


def test_the_command_line_says_the_same(fleet: Fleet) -> None:
    argv = [sys.executable, "-m", "console", "--config", str(fleet.settings), "status", "--json"]
    done = subprocess.run(argv, env=fleet.environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    status = json.loads(done.stdout)
    assert [node["state"] for node in status["nodes"]] == ["up"] * 3
    assert [node["datasets"][0]["records"] for node in status["nodes"]] == [30] * 3
    assert all(node["memory"]["total_bytes"] > 0 for node in status["nodes"])
