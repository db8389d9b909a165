"""Far ends of every kind: noisy, mute, without a Python, dead in the middle, old."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.errands.conftest import HERE
from tests.errands.fields import LINES
from tests.processes import alive
from workers.errands import code, link
from workers.errands.client import Errand
from workers.errands.faults import ErrandFailed, Unreachable

PYTHON39 = Path.home() / ".pyenv/versions/3.9.18/bin/python"


def ssh(folder: Path, script: str) -> dict[str, list[str]]:
    """A host whose "ssh" is this script; `$last` is the far command."""
    path = folder / "ssh"
    path.write_text(f"#!/bin/sh\nfor last; do :; done\n{script}\n")
    path.chmod(0o755)
    return {"ssh": [str(path), "-o", "BatchMode=yes", "--", "root@far"]}


def test_through_a_shell(tmp_path: Path) -> None:
    with Errand.open(ssh(tmp_path, 'exec sh -c "$last"'), "far") as errand:
        assert errand.list(str(tmp_path), [LINES]).problems["games"] == ("data: not there",)


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "fish", "csh", "tcsh"])
def test_through_any_shell(tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    with Errand.open(ssh(tmp_path, f'exec {shell} -c "$last"'), "far") as errand:
        assert errand.node_key


def test_what_a_login_prints_is_skipped(tmp_path: Path) -> None:
    noise = "echo Welcome to the cluster; echo '{\"id\":1}'; echo on stderr >&2; "
    with Errand.open(ssh(tmp_path, noise + 'exec sh -c "$last"'), "far") as errand:
        assert errand.home


def test_the_node_is_the_one_its_agent_says(tmp_path: Path) -> None:
    from workers.agent.identity import hello

    with Errand.open(HERE, "here") as errand:
        assert errand.node_key == hello("", None, ()).node_key


@pytest.mark.skipif(not PYTHON39.exists(), reason="no Python 3.9 here")
def test_the_oldest_python(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.jsonl").write_bytes(b"{}\n")
    command = code.far_command().replace("for p in python3 ", f"for p in {PYTHON39} ")
    path = tmp_path / "command"
    path.write_text(command)
    with Errand.open(ssh(tmp_path, f"exec sh {path}"), "far") as errand:
        assert errand.python.startswith("3.9.")
        (file,) = errand.list(str(tmp_path), [LINES]).files["games"]
        assert file.records == 1
        errand.lock(str(tmp_path / "there"), 1, "test")


def test_without_files_in_memory_the_code_goes_with_the_program(tmp_path: Path) -> None:
    program = (
        "import os, sys, zlib; del os.memfd_create\n"
        "exec(zlib.decompress(os.read(0, int(sys.argv[1]))))\n"
    )
    script = f"TMPDIR={tmp_path} exec {sys.executable} -I -S -c '{program}' {len(code.boot())}"
    with Errand.open(ssh(tmp_path, script), "far") as errand:
        assert errand.list(str(tmp_path), [LINES]).problems["games"] == ("data: not there",)
        assert len(list(tmp_path.glob("quarterdeck-errand-*/code.zip"))) == 1
    assert os.listdir(tmp_path) == ["ssh"]


def test_every_node_side_file_is_sent() -> None:
    """The zip alone is enough, whatever lies about on the machine."""
    import io
    import zipfile

    names = zipfile.ZipFile(io.BytesIO(code.code())).namelist()
    assert "workers/errands/program.py" in names
    assert len(code.code()) < 256 * 1024
    assert code.code() == code.code.__wrapped__()


def test_no_python_there(tmp_path: Path) -> None:
    with pytest.raises(ErrandFailed, match=r"far: no Python 3\.9 or newer there") as caught:
        Errand.open(ssh(tmp_path, "echo quarterdeck-no-python"), "far")
    assert caught.value.code == "no_python"


def test_an_ssh_that_cannot_connect(tmp_path: Path) -> None:
    script = "echo 'ssh: connect to host far port 22: No route to host' >&2; exit 255"
    with pytest.raises(Unreachable, match=r"far: .*No route to host"):
        Errand.open(ssh(tmp_path, script), "far")
    with pytest.raises(Unreachable, match="No such file"):
        Errand.open({"ssh": [str(tmp_path / "none")]}, "far")


def test_an_account_that_may_not_log_in(tmp_path: Path) -> None:
    script = "echo 'This account is currently not available.' >&2; exit 1"
    with pytest.raises(ErrandFailed, match=r"did not start, exit code 1: This account"):
        Errand.open(ssh(tmp_path, script), "far")


def test_a_far_end_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "HELLO_S", 0.3)
    monkeypatch.setattr(link, "CLOSE_S", 0.2)
    with pytest.raises(Unreachable, match=r"far: silent for 0 s: wait, I think"):
        Errand.open(ssh(tmp_path, "echo 'wait, I think' >&2; exec sleep 60"), "far")


def test_a_far_end_that_prints_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "CLOSE_S", 0.2)
    with pytest.raises(ErrandFailed, match="prints without end"):
        Errand.open(ssh(tmp_path, "exec yes"), "far")


def test_a_program_that_dies_in_the_middle(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x")
    os.truncate(tmp_path / "big", 1 << 40)
    with Errand.open(HERE, "here") as errand:
        killer = threading.Timer(0.5, errand._link._child.kill)
        killer.start()
        with pytest.raises(Unreachable, match="here: the connection ended"):
            errand.hash(str(tmp_path), [("big", 1 << 40)])
        with pytest.raises(Unreachable):
            errand.hash(str(tmp_path), [("big", 1)])


def test_progress_is_told_and_a_stuck_disk_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big").write_bytes(b"x")
    os.truncate(tmp_path / "big", 1 << 40)
    seen: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        if len(seen) == 2:
            monkeypatch.setattr(link, "STUCK_S", -1.0)

    with Errand.open(HERE, "here") as errand:
        with pytest.raises(Unreachable, match="stuck in one call"):
            errand.hash(str(tmp_path), [("big", 1 << 40)], progress)
        errand._link._child.kill()
    (first, total), (second, _) = seen
    assert 0 < first < second < total == 1 << 40


def test_closing_ends_the_program_even_at_work(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x")
    os.truncate(tmp_path / "big", 1 << 40)
    errand = Errand.open(HERE, "here")
    pid = errand._link._child.pid

    def asking() -> None:
        with pytest.raises(Unreachable):
            errand.hash(str(tmp_path), [("big", 1 << 40)])

    thread = threading.Thread(target=asking)
    thread.start()
    time.sleep(0.3)
    errand.close()
    thread.join(20)
    assert not thread.is_alive()
    assert not alive(pid)
    errand.close()


def test_a_job_that_died_leaves_no_program(tmp_path: Path) -> None:
    """Killed outright: the program sees the end of its input."""
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from workers.errands.client import Errand\n"
        "errand = Errand.open({'ssh': None}, 'here')\n"
        "print(errand._link._child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    root = str(Path(__file__).parents[2])
    job = subprocess.Popen([sys.executable, "-c", program, root], stdout=subprocess.PIPE)
    assert job.stdout is not None
    pid = int(job.stdout.readline())
    job.kill()
    job.wait()
    deadline = time.monotonic() + 20
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_requests_that_are_none(tmp_path: Path) -> None:
    with Errand.open(HERE, "here") as errand:
        for do, asked in (("reboot", {}), ("hash", {}), ("hash", {"root": 3, "files": []})):
            with pytest.raises(ErrandFailed):
                errand._link.ask(do, asked)
        errand.put(str(tmp_path / "a/b"), b"\x00\xff", 0o640)
        assert errand.get(str(tmp_path / "a/b")) == b"\x00\xff"
        assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o640
        with pytest.raises(ErrandFailed, match="no such file") as caught:
            errand.get(str(tmp_path / "none"))
        assert caught.value.code == "gone"
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(ErrandFailed, match="not a regular file"):
            errand.get(str(tmp_path / "fifo"))
