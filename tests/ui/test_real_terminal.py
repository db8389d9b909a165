"""The console in a real terminal: what it writes there, how it leaves, and a terminal that does not read."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terminal import Terminal
from tests.ui.corpus import MARK

ROOT = Path(__file__).parents[2]
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1003l", b"\x1b[?2004l")

# Everything that Textual itself sends; whatever is left of a picture after these is plain text.
OWN = re.compile(
    rb"\x1b\[[0-9;]*[Hm]|\x1b\[\?[0-9]+(?:\$p|[hl])|\x1b\[[<>][0-9]*u"
    rb"|\x1b\]22;[a-z-]*\x07"  # the pointer's shape
    rb"|\x1b\[[0-9;]*[JK]|\x1b\[6n|\x1b\[c|\x1b\]52;c;[A-Za-z0-9+/=]*\x07"
)


def console(
    directory: Path, mode: str = "plain", columns: int = 120, rows: int = 40, **more: str
) -> Terminal:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        **more,
    }
    argv = [sys.executable, "-m", "tests.ui.program", mode, str(directory)]
    return Terminal(argv, columns, rows, environment, str(ROOT))


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    with console(tmp_path) as opened:
        opened.wait_for("nodes up", 30)
        yield opened


def until(
    holds: Callable[[], bool], terminal: Terminal | None = None, timeout_s: float = 20.0
) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, terminal.text if terminal else "never came true"
        if terminal is not None:
            terminal.pump(0.05)
        else:
            time.sleep(0.05)


def number_fed(directory: Path) -> int:
    with contextlib.suppress(OSError, ValueError):
        return int((directory / "fed").read_text())
    return 0


def test_only_textuals_own_sequences_reach_the_terminal(tmp_path: Path) -> None:
    with console(tmp_path, "hostile", 160, 50) as terminal:
        terminal.wait_for("nodes up", 30)
        for keys in ("v", "G", "g", "z", "z", "?", "q", "y", ":"):
            terminal.send(keys)
            for _ in range(4):
                terminal.pump(0.1)
        terminal.wait_for("Search for")
        terminal.send("open pwned")
        terminal.wait_for("Open ")
        terminal.send("\x11")
        assert terminal.wait_for_exit() == 0
        sent = bytes(terminal.raw)
    copied = re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", sent)
    assert all(
        base64.b64decode(text) != MARK.encode() for text in copied
    )  # our own copy, not the corpus's
    left = OWN.sub(b"", sent)
    assert b"\x1b" not in left, left[max(0, left.find(b"\x1b") - 40) :][:80]
    plain = left.decode("utf-8")
    assert not [c for c in plain if ord(c) < 0x20 and c not in "\r\n"]
    assert not [c for c in plain if 0x7F <= ord(c) < 0xA0]
    assert not set(plain) & set("\u202e\u2066\u2069\u200f\u2028\u2029")


def test_nothing_prints_over_the_screen(terminal: Terminal, tmp_path: Path) -> None:
    until(lambda: number_fed(tmp_path) > 8, terminal)
    for _ in range(5):
        terminal.pump(0.1)
    assert b"library" not in bytes(terminal.raw)
    assert "a C library complains" in (tmp_path / "console.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order_and_restores_the_terminal(
    terminal: Terminal, number: signal.Signals
) -> None:
    os.kill(terminal.pid, number)
    assert terminal.wait_for_exit() == 128 + number
    for sequence in RESTORED:
        assert sequence in bytes(terminal.raw)


def test_the_terminal_has_its_own_size_whatever_the_environment_claims(tmp_path: Path) -> None:
    with console(tmp_path, COLUMNS="80", LINES="24") as terminal:
        terminal.wait_for("sim-0035", 30)  # the last row that fits, far below the 24th
        terminal.send("\x11")
        assert terminal.wait_for_exit() == 0


@pytest.mark.parametrize("readings", [35, pytest.param(5000, marks=pytest.mark.long)])
def test_a_terminal_that_stops_reading_stops_neither_monitoring_nor_memory(
    terminal: Terminal, tmp_path: Path, readings: int
) -> None:
    until(lambda: number_fed(tmp_path) > 5, terminal)
    before, memory = number_fed(tmp_path), _resident(terminal.pid)
    until(
        lambda: number_fed(tmp_path) > before + readings, timeout_s=readings
    )  # nobody reads the terminal meanwhile
    assert _resident(terminal.pid) - memory < 32 * 1024 * 1024
    terminal.send("?")
    terminal.wait_for("Keys: Fleet", 20)  # it reads again: everything is painted anew
    assert "nodes up" in terminal.text.splitlines()[0]


def test_it_can_be_ended_while_the_terminal_does_not_read(
    terminal: Terminal, tmp_path: Path
) -> None:
    before = number_fed(tmp_path)
    until(lambda: number_fed(tmp_path) > before + 25)
    os.kill(terminal.pid, signal.SIGTERM)
    until(lambda: terminal.poll() is not None)
    assert terminal.returncode == 128 + signal.SIGTERM


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(terminal: Terminal) -> None:
    terminal.send("\x1a")
    until(lambda: _state(terminal.pid) == "T", terminal)
    while terminal.pump(0.2):
        pass
    assert b"\x1b[?1049l" in bytes(terminal.raw)
    terminal.raw.clear()
    os.kill(terminal.pid, signal.SIGCONT)
    until(lambda: b"\x1b[?1049h" in bytes(terminal.raw), terminal)
    terminal.send("?")
    terminal.wait_for("Keys: Fleet")


def test_a_shell_has_the_terminal_and_the_screen_comes_back(
    terminal: Terminal, tmp_path: Path
) -> None:
    terminal.send("s")
    terminal.wait_for("in the shell")
    before = number_fed(tmp_path)
    until(lambda: number_fed(tmp_path) > before + 3, terminal)  # the monitoring goes on
    assert b"\x1b[?1049l" in bytes(terminal.raw)
    terminal.raw.clear()
    terminal.send("\r")
    until(lambda: b"\x1b[?1049h" in bytes(terminal.raw), terminal)
    terminal.send("?")
    terminal.wait_for("Keys: Fleet")
    terminal.send("\x11")
    assert terminal.wait_for_exit() == 0


def test_the_output_may_be_redirected_without_losing_the_screen(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    command = f'exec "{sys.executable}" -m tests.ui.program plain "{tmp_path}" 2>"{errors}"'
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    with Terminal(["sh", "-c", command], 120, 40, environment, str(ROOT)) as terminal:
        terminal.wait_for("nodes up", 30)
        terminal.send("\x11")
        assert terminal.wait_for_exit() == 0
    assert "\x1b" not in errors.read_text()


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _state(pid: int) -> str:
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return stat.read().rpartition(b") ")[2][:1].decode()
