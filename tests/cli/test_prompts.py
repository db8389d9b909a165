"""Questions are asked on a terminal, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from console.cli.prompting import confirm
from console.errors import Refused
from tests.cli.program import Program
from tests.sshd import SshdFactory
from tests.terminal import Terminal


def test_a_passphrase_is_asked_on_a_terminal_and_not_shown(
    quarterdeck: Program, sshd_factory: SshdFactory, tmp_path: Path
) -> None:
    server = sshd_factory()
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(server.known_hosts_line)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", str(server.key)],
        check=True,
        timeout=20,
    )
    quarterdeck.settings(
        f"nodes:\n  - {{name: h1, address: {server.host}, port: {server.port}, "
        f"user: {server.user}, identity: {server.key}}}\n"
        f"ssh: {{known_hosts: ['{known_hosts}']}}\n"
    )
    unasked = quarterdeck("status", "--json")
    assert unasked.code == 3
    assert unasked.json["nodes"][0]["state"] == "attention"
    argv = [sys.executable, "-m", "console", "status"]
    with Terminal(argv, 120, 30, quarterdeck.environment) as terminal:
        terminal.wait_for("Passphrase", 20)
        terminal.send("open sesame\r")
        terminal.wait_for(" up ", 20)
        assert terminal.wait_for_exit() == 0
        assert "sesame" not in terminal.text


async def test_nothing_is_confirmed_where_nobody_can_be_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(Refused, match="--yes"):
        await confirm("sure?")


def test_ctrl_c_at_a_question_ends_it_and_the_terminal_echoes_again(quarterdeck: Program) -> None:
    ask = (
        "import asyncio, console.cli.prompting as p\n"
        "async def main():\n"
        "    await p.read_line('secret? ', False)\n"
        "try:\n    asyncio.run(main())\n"
        "except KeyboardInterrupt:\n    print('ended')\n"
        "print('echo', bool(__import__('termios').tcgetattr(0)[3] & __import__('termios').ECHO))"
    )
    with Terminal([sys.executable, "-c", ask], 80, 10, quarterdeck.environment) as terminal:
        terminal.wait_for("secret?")
        terminal.send("\x03")
        terminal.wait_for("ended")
        terminal.wait_for("echo True")
