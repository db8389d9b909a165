"""Nothing of the development's is on in the program, whatever the environment says."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.terminal import Terminal


def test_textual_s_development_tools_stay_off(tmp_path: Path) -> None:
    """No connection to devtools, no log, no keys pressed, no driver of somebody's: and no word about it."""
    log = tmp_path / "textual.log"
    program = Program(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as devtools:
        devtools.setblocking(False)
        environment = {
            **program.environment,
            "TEXTUAL": "debug,devtools",
            "TEXTUAL_DEBUG": "1",
            "TEXTUAL_DEVTOOLS_PORT": str(devtools.getsockname()[1]),
            "TEXTUAL_LOG": str(log),
            "TEXTUAL_PRESS": "ctrl+q",
            "TEXTUAL_DRIVER": "antigravity:Driver",
            "TEXTUAL_SHOW_RETURN": "1",
            "PYTHONASYNCIODEBUG": "1",
        }
        argv = [sys.executable, "-m", "console", "--demo"]
        with Terminal(argv, 120, 40, environment) as terminal:
            terminal.wait_for("vast-7", 20)
            terminal.send("4")
            terminal.wait_for("hex8_2p", 10)
            terminal.send("\x11")
            assert terminal.wait_for_exit() == 0
            assert b"The app returned" not in terminal.raw
        with pytest.raises(BlockingIOError):
            devtools.accept()
    assert not log.exists()


def test_asyncio_s_debugging_stays_off(tmp_path: Path) -> None:
    code = (
        "import asyncio\nfrom console.cli.main import run\nassert run(['version']) == 0\n"
        "print(asyncio.new_event_loop().get_debug())"
    )
    environment = {**Program(tmp_path).environment, "PYTHONASYNCIODEBUG": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "False", done.stderr
