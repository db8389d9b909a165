"""Details of one process: psutil agrees, and what is missing is said."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.agent.conftest import eventually, identity, run_apart
from workers.agent import details
from workers.agent.details import describe
from workers.agent.portable import PortableHostReader, PortableProcessReader
from workers.agent.portable import details as portable_details
from workers.agent.processes import ProcessReader
from workers.protocol import DescribeProcess, Failure, ProcessDetails


def look(pid: int) -> ProcessDetails:
    found = describe(DescribeProcess(identity(pid)), ProcessReader())
    assert isinstance(found, ProcessDetails)
    return found


def test_details_agree_with_psutil(tmp_path: Path) -> None:
    code = "import time; f = open('held', 'w'); print('ready', flush=True); time.sleep(600)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        found, oracle = look(process.pid), psutil.Process(process.pid)
        assert found.process.pid == process.pid
        assert found.executable == oracle.exe()
        assert found.directory == str(tmp_path)
        assert str(tmp_path / "held") in (found.open_files or ())
        assert found.affinity == tuple(oracle.cpu_affinity())
        assert found.nice == oracle.nice()
        assert found.read_bytes == oracle.io_counters().read_bytes
        assert found.written_bytes == oracle.io_counters().write_bytes
        assert found.context_switches == pytest.approx(sum(oracle.num_ctx_switches()), abs=50)
        assert found.cgroup is not None
        assert found.connections == ()
        assert found.missing == ()
    finally:
        process.kill()
        process.wait()


def test_connections_are_listed_where_psutil_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = look(os.getpid())
        assert f"tcp 127.0.0.1:{server.getsockname()[1]} LISTEN" in (found.connections or ())


def test_without_psutil_the_rest_is_shown_and_the_lack_is_said(
    monkeypatch: pytest.MonkeyPatch, sleeper: subprocess.Popen[bytes]
) -> None:
    monkeypatch.setattr(details, "psutil", lambda: None)
    found = look(sleeper.pid)
    assert found.connections is None
    assert found.missing == ("connections: this node's Python has no psutil",)
    assert found.executable


def test_another_or_no_process_is_gone_and_not_described(sleeper: subprocess.Popen[bytes]) -> None:
    who = identity(sleeper.pid)
    other = describe(DescribeProcess(who._replace(start_ticks=1)), ProcessReader())
    assert isinstance(other, Failure)
    assert other.code == "gone"
    assert "another process" in other.text
    sleeper.kill()
    sleeper.wait()
    gone = describe(DescribeProcess(who), ProcessReader())
    assert isinstance(gone, Failure)
    assert (gone.code, "gone" in gone.text) == ("gone", True)


FOREIGN = """
from workers.machine.boot import boot_id, pid_namespace
from workers.machine.process import start_ticks
from workers.agent.details import describe
from workers.agent.processes import ProcessReader
from workers.protocol import DescribeProcess, ProcessIdentity
who = ProcessIdentity(boot_id(), pid_namespace(), {pid}, start_ticks({pid}))
found = describe(DescribeProcess(who), ProcessReader())
print(found.open_files, found.executable, found.process.name)
print([line for line in found.missing if "not permitted" in line])
"""


@pytest.mark.root
def test_a_foreign_process_tells_what_is_not_permitted(sleeper: subprocess.Popen[bytes]) -> None:
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    drop = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    said = run_apart(FOREIGN.format(pid=sleeper.pid), python, *drop)
    assert said.startswith("None None sleep\n")
    assert "open files: not permitted" in said
    assert "executable: not permitted" in said


def test_psutil_is_found_by_an_agent_without_site_packages() -> None:
    code = """
import sys
from workers.agent.sampler import Sampler
Sampler().sample()
assert "psutil" not in sys.modules
from workers.agent.site_packages import psutil
print(psutil() is not None)
"""
    assert run_apart(code).strip() == "True"


def test_the_readers_without_proc_say_the_same(sleeper: subprocess.Popen[bytes]) -> None:
    portable, direct = PortableProcessReader(), ProcessReader()
    portable.sweep()
    direct.sweep()
    mine, other = portable.find(sleeper.pid), direct.find(sleeper.pid)
    assert mine is not None
    assert other is not None
    assert (mine.name, mine.command, mine.user) == (other.name, other.command, other.user)
    assert mine.memory_bytes == pytest.approx(other.memory_bytes, abs=1 << 20)
    assert mine.started_at == pytest.approx(other.started_at, abs=2.0)
    assert portable.start_ticks(sleeper.pid) == mine.start_ticks
    assert portable.start_ticks(2**22 + 1) is None
    assert portable_details(mine).directory == os.getcwd()

    host = PortableHostReader()
    assert host.read().cpu_percent is None
    eventually(lambda: 0 <= (host.read(full=True).cpu_percent or -1) <= 100)
    assert host.read().memory.total_bytes == psutil.virtual_memory().total
