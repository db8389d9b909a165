"""What a worker is told and what nobody else learns: secrets, the console's environment, other users."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.agent_workers.node import Asker, Node, script, sleeper, until
from workers.protocol import DescribeWorker, SecretReference, Variable, encode_message

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")
CANARY = "canary-c0ffee-7f3a"
SECRETS = (
    SecretReference("API_KEY", "env", "LOGIN_KEY"),
    SecretReference("TOKEN_FILE", "file", "~/token"),
)


def dump(node: Node) -> dict[str, str]:
    """What the worker found in its environment."""
    content = (
        until(lambda: node.home.joinpath("environment").exists())
        and (node.home / "environment").read_bytes()
    )
    entries = (entry.partition("=") for entry in content.decode().split("\0"))
    return {name: value for name, _, value in entries if name}


DUMP = "env -0 > $HOME/part && mv $HOME/part $HOME/environment; sleep 600"


def test_secrets_reach_the_worker_and_nothing_else(node: Node) -> None:
    (node.home / ".profile").write_text(f"export LOGIN_KEY={CANARY}-env\n")
    (node.home / "token").write_text(f"{CANARY}-file\nsecond line\n")
    wanted = script("secretive", DUMP, secrets=SECRETS)
    with node.agent() as console:
        console.start(wanted)
        found = dump(node)
        assert found["API_KEY"] == f"{CANARY}-env"
        assert found["TOKEN_FILE"] == f"{CANARY}-file"
        assert CANARY not in command_lines()
        said = [console.report(), console.ask(DescribeWorker(wanted.run_id))]
        console.command(wanted.run_id, "stop")
        said.append(console.record(wanted.run_id, lambda r: r.state == "stopped"))
    for message in said:
        assert CANARY.encode() not in encode_message(message)
    assert files_with(node.state, CANARY) == []


def test_a_secret_that_is_not_there_is_named_and_its_value_is_not(node: Node) -> None:
    wanted = script("lacks", "true", secrets=SECRETS)
    with node.agent() as console:
        record = console.start(wanted)
    assert record.state == "exited"
    assert "API_KEY" in (record.error or "")
    assert "LOGIN_KEY" in (record.error or "")


def test_nothing_of_the_console_or_of_ssh_comes_along(node: Node) -> None:
    foreign = {
        "SSH_AUTH_SOCK": "/tmp/ssh-1/agent",
        "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22",
        "QUARTERDECK_TOKEN": CANARY,
        "AWS_SECRET_ACCESS_KEY": CANARY,
        "QD_TOKEN": "forged:run",
        "PYTHONPATH": "/tmp/planted",
    }
    wanted = script(
        "clean",
        DUMP,
        environment=(Variable("MINE", "yes"), Variable("PATH", "/opt/x:/bin:/usr/bin")),
    )
    with node.agent(**foreign) as console:
        console.start(wanted)
        found = dump(node)
    assert CANARY not in "\n".join(found.values())
    assert not [name for name in found if name.startswith(("SSH_", "QUARTERDECK_", "AWS_"))]
    assert "PYTHONPATH" not in found
    assert found["MINE"] == "yes"
    assert found["PATH"] == "/opt/x:/bin:/usr/bin"
    assert found["HOME"] == str(node.home)
    assert found["PYTHONUNBUFFERED"] == "1"
    assert found["QD_TOKEN"] == f"{node.folder.name}:{wanted.run_id}"
    assert found["QD_WORKER"] == "clean"


@as_root
def test_state_is_private_whatever_the_umask_is(node: Node) -> None:
    previous = os.umask(0)
    try:
        with node.agent() as console:
            wanted = sleeper()
            console.start(wanted)
            console.record(wanted.run_id)
    finally:
        os.umask(previous)
    for folder, _, names in os.walk(node.folder):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700, folder
        for name in names:
            mode = stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode)
            assert mode == 0o600, (folder, name, oct(mode))
    # Even with open folders above, another user reaches neither the wish nor the log.
    for path in (*node.home.parents, node.home, node.state, node.state / "nodes"):
        if str(path).startswith(str(node.home.parent)):
            path.chmod(0o755)
    run = Path(node.run(wanted.run_id).paths.folder)
    for path in (run / "desired.json", run / "attempt-0001" / "out.log"):
        for tool in (("cat", str(path)), ("sh", "-c", f"echo x >> {path}")):
            outcome = subprocess.run(tool, user=65534, capture_output=True, text=True)
            assert "Permission denied" in outcome.stderr


@as_root
def test_another_user_cannot_poke_or_stop_the_pair(node: Node, console: Asker) -> None:
    wanted = sleeper()
    pid = console.start(wanted).pid
    for each in (*node.keepers(wanted.run_id), pid):
        outcome = subprocess.run(("kill", "-HUP", str(each)), user=65534, capture_output=True)
        assert outcome.returncode != 0
    record = console.record(wanted.run_id, lambda r: r.processes is not None)
    assert (record.state, record.pid) == ("running", pid)


def command_lines() -> str:
    """Every command line of the machine, as any user can read it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((entry / "cmdline").read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue
    return "\n".join(found)


def files_with(folder: Path, text: str) -> list[str]:
    wanted = text.encode()
    return [
        os.path.join(place, name)
        for place, _, names in os.walk(folder)
        for name in names
        if wanted in Path(place, name).read_bytes()
    ]
