"""Workers on three hosts in a real terminal: what happens to everybody who watches is nothing to them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import clean_environment
from tests.loopback import LoopbackFleet, unavailable
from tests.namespaces import LoopbackHost
from tests.processes import command_of, descendants, environment_of
from tests.terminal import Terminal

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "-"),
]

COPIES = 4
# Each copy has a helper that left its process group and its session, as daemons do.
COMMAND = "sh -c 'setsid sleep 900 & while sleep 1; do date; done'"
CTRL_Q = "\x11"
Console = Callable[[str], Terminal]


@pytest.fixture
def fleet() -> Iterator[LoopbackFleet]:
    with LoopbackFleet(3) as up:
        yield up


@pytest.fixture
def console(fleet: LoopbackFleet, tmp_path: Path) -> Iterator[Console]:
    """Opens a console of that name: each has a home of its own, as on another laptop."""
    opened: list[Terminal] = []

    def make(name: str) -> Terminal:
        home = tmp_path / name
        home.mkdir(mode=0o700, exist_ok=True)
        argv = [sys.executable, "-m", "console", "--config", str(fleet.settings)]
        opened.append(Terminal(argv, 160, 45, clean_environment(home)))
        opened[-1].wait_for(lambda text: all(f"● h{n}" in text for n in (1, 2, 3)), 40)
        return opened[-1]

    yield make
    for terminal in opened:
        terminal.close()


def workers_of(host: LoopbackHost) -> dict[str, set[int]]:
    """Name of each worker on the host → all its processes, by what stands in their environment."""
    found: dict[str, set[int]] = {}
    for pid in descendants(host.init):
        for word in environment_of(pid):
            if word.startswith(b"QD_WORKER="):
                found.setdefault(word[10:].decode(), set()).add(pid)
    return found


def agents_of(host: LoopbackHost) -> list[int]:
    """The agents there: what sshd's sessions have started."""
    commands = {pid: command_of(pid) for pid in descendants(host.init)}
    return [pid for pid, words in commands.items() if b"-S" in words and b"-u" in words]


def eventually(holds: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.1)


def start_four_on_each(terminal: Terminal) -> None:
    terminal.send("*")
    terminal.wait_for("3 marked")
    terminal.send("S")
    terminal.wait_for("Start workers")
    terminal.wait_for("[reversi-selfplay]")
    terminal.send("h")  # the last of the presets is none: a command
    terminal.wait_for("python train.py")
    terminal.send("\t")
    terminal.send(COMMAND)
    terminal.wait_for("setsid sleep 900")
    terminal.send("\ttick")
    terminal.send("\t\t4")
    terminal.wait_for("12 workers on 3 nodes", 15)
    terminal.wait_for(lambda text: "asking" not in text, 15)
    terminal.send("\r")
    terminal.wait_for(lambda text: "Start workers" not in text, 30)


def test_four_copies_on_three_hosts_outlive_everybody_who_watches(
    fleet: LoopbackFleet, console: Console
) -> None:
    first = console("laptop")
    start_four_on_each(first)
    first.send("2")
    first.wait_for("12 workers, 12 alive", 20)
    names = {f"tick-{number}" for number in range(1, COPIES + 1)}
    for host in fleet.hosts:
        eventually(lambda host=host: set(workers_of(host)) == names, "four copies")
    before = [workers_of(host) for host in fleet.hosts]
    mains = [{name: min(pids) for name, pids in each.items()} for each in before]

    os.kill(first.pid, signal.SIGKILL)
    for host in fleet.hosts:
        for pid in agents_of(host):
            os.kill(pid, signal.SIGKILL)
        host.kill_session()
    first.wait_for_exit()

    second = console("another")
    second.send("2")
    second.wait_for("12 workers, 12 alive", 20)
    now = [{name: min(pids) for name, pids in workers_of(host).items()} for host in fleet.hosts]
    assert now == mains, "the very same processes, none doubled, none restarted"

    # Nothing of the log is lost: a line a second from the first on.
    second.send("l")
    second.wait_for("tick-", 20)
    second.send("2")
    second.wait_for("12 workers, 12 alive", 20)

    second.send("*")
    second.wait_for("12 marked")
    second.send("x")
    second.wait_for("Stop 12 workers")
    second.send("\r")
    second.wait_for("12 workers, 0 alive", 40)
    for host in fleet.hosts:
        eventually(lambda host=host: not workers_of(host), "not one descendant is left")
    second.send(CTRL_Q)
    assert second.wait_for_exit() == 0


def test_a_node_that_was_started_anew_says_so_on_the_record(
    fleet: LoopbackFleet, console: Console
) -> None:
    settings = yaml.safe_load(fleet.settings.read_text())
    assert len(settings["nodes"]) == 3
    terminal = console("laptop")
    start_four_on_each(terminal)
    terminal.send("2")
    terminal.wait_for("12 workers, 12 alive", 20)
    fleet.hosts[1].reboot()
    terminal.wait_for("12 workers, 8 alive", 60)
    terminal.wait_for(lambda text: text.count("lost: reboot") == COPIES, 20)
    assert not workers_of(fleet.hosts[1]), "nothing was started again by itself"
    terminal.send("\r")
    terminal.wait_for("the node was started anew", 20)
