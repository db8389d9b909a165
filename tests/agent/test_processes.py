"""The sweep of all processes: psutil agrees, hidden ones are not counted as absent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.agent.conftest import eventually, run_apart
from workers.agent.dozing import AFTER, TURNS
from workers.agent.processes import ProcessReader, _fit, command_line
from workers.protocol import (
    MAX_FRAME_BYTES,
    Gpu,
    GpuProcess,
    GpuReport,
    Process,
    ProcessTable,
    encode_message,
)


def row(reader: ProcessReader, pid: int) -> Process | None:
    reader.sweep()
    return reader.find(pid)


def test_a_process_agrees_with_psutil(sleeper: subprocess.Popen[bytes]) -> None:
    found, oracle = row(ProcessReader(), sleeper.pid), psutil.Process(sleeper.pid)
    assert found is not None
    assert found.name == oracle.name() == "sleep"
    assert found.command == "sleep 600"
    assert found.user == oracle.username()
    assert found.parent_pid == os.getpid()
    assert found.threads == oracle.num_threads()
    assert found.memory_bytes == pytest.approx(oracle.memory_info().rss, abs=1 << 20)
    assert found.started_at == pytest.approx(oracle.create_time(), abs=2.0)
    assert found.state in "SDR"
    assert found.cpu_percent is None  # one reading has no rate


def test_the_table_has_the_processes_that_psutil_has() -> None:
    reader = ProcessReader()
    before = set(psutil.pids())
    reader.sweep()
    after = set(psutil.pids())
    listed = {process.pid for process in reader.table().processes}
    assert before & after <= listed <= before | after
    assert reader.count == pytest.approx(len(before), abs=len(before ^ after) + 5)
    assert not reader.table().truncated


def test_cpu_share_is_of_one_core() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        reader = ProcessReader()
        oracle = psutil.Process(busy.pid)
        eventually(lambda: oracle.cpu_times().user > 0.1)
        reader.sweep()
        oracle.cpu_percent()
        time.sleep(0.6)
        found = row(reader, busy.pid)
        assert found is not None
        assert found.cpu_percent == pytest.approx(oracle.cpu_percent(), abs=25)
        top = reader.top(4)
        busiest = [process.cpu_percent or 0.0 for process in top[:2]]  # the others by memory
        assert found in top or min(busiest) >= (found.cpu_percent or 0.0)
    finally:
        busy.kill()
        busy.wait()


def test_a_name_with_blanks_and_brackets_is_read_whole(tmp_path: Path) -> None:
    odd = tmp_path / "a) S 1 (b"
    odd.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(odd), "600"])
    try:
        name = odd.name[:15]
        eventually(lambda: (row(ProcessReader(), process.pid) or [None] * 4)[3] == name)
        found = row(ProcessReader(), process.pid)
        assert found is not None
        assert (found.parent_pid, found.command) == (os.getpid(), f"{odd} 600")
    finally:
        process.kill()
        process.wait()


def test_exec_changes_the_command_that_is_shown() -> None:
    reader = ProcessReader()
    process = subprocess.Popen(["sh", "-c", "read x; exec sleep 600"], stdin=subprocess.PIPE)
    try:
        eventually(lambda: (found := row(reader, process.pid)) and found.name == "sh")
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
        eventually(
            lambda: (
                (time.sleep(0.06), found := row(reader, process.pid))[1]
                and found.command == "sleep 600"
            )
        )
    finally:
        process.kill()
        process.wait()


def test_top_is_by_cpu_then_memory_and_nobody_twice(sleeper: subprocess.Popen[bytes]) -> None:
    reader = ProcessReader()
    reader.sweep()
    time.sleep(0.1)
    reader.sweep()
    top = reader.top(6)
    assert len({process.pid for process in top}) == len(top) == 6
    largest = max(reader.table().processes, key=lambda process: process.memory_bytes or 0)
    assert largest in top
    assert reader.top(0) == ()


def test_gpu_memory_is_merged_by_pid(sleeper: subprocess.Popen[bytes]) -> None:
    reader = ProcessReader()
    held = (GpuProcess(sleeper.pid, 1 << 30), GpuProcess(os.getpid(), None))
    reader.merge(GpuReport((Gpu(0, processes=held), Gpu(1, processes=held[:1]))))
    reader.sweep()
    found, self_found = reader.find(sleeper.pid), reader.find(os.getpid())
    assert found is not None
    assert self_found is not None
    assert found.gpu_memory_bytes == 2 << 30
    assert self_found.gpu_memory_bytes is None


def test_a_process_that_ended_is_gone_from_the_next_sweep() -> None:
    process = subprocess.Popen(["sleep", "600"])
    reader = ProcessReader()
    assert row(reader, process.pid)
    process.kill()
    process.wait()
    time.sleep(0.06)
    assert row(reader, process.pid) is None


def test_an_unreadable_proc_is_none_and_never_zero(tmp_path: Path) -> None:
    reader = ProcessReader(str(tmp_path / "absent"))
    reader.sweep()
    assert reader.count is None
    assert reader.restricted
    assert reader.table() == ProcessTable((), restricted=True)


def test_a_number_without_a_name_is_shown_as_number(tmp_path: Path) -> None:
    folder = tmp_path / "77"
    folder.mkdir()
    (folder / "stat").write_text("77 (odd) Z 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 99 0 0 1 2\n")
    os.chown(folder, 4_000_003, -1) if os.geteuid() == 0 else None
    reader = ProcessReader(str(tmp_path))
    eventually(lambda: (time.sleep(0.06), row(reader, 77))[1])
    found = reader.find(77)
    assert found is not None
    assert found.command == "[odd]"
    assert found.state == "Z"
    if os.geteuid() == 0:
        eventually(lambda: reader.find(77).user == "4000003")  # type: ignore[union-attr]


def test_command_lines_are_bounded_and_never_fail() -> None:
    assert command_line(b"python3\0-m\0train\0\0\0") == "python3 -m train"
    assert command_line(b"") == ""
    assert len(command_line(b"x" * 100_000)) == 4096
    assert command_line(b"\xff\xfe").encode("utf-8", "surrogateescape") == b"\xff\xfe"


def test_a_huge_table_still_fits_one_frame() -> None:
    long = Process(
        1, 1, 1, "n" * 15, "é" * 4096, "user" * 8, "S", 1.23456789, 2**40, None, 9, 1.7e9
    )
    rows = tuple(long._replace(pid=4_000_000 + number) for number in range(20_000))
    fitting = _fit(rows)
    assert len(encode_message(ProcessTable(fitting, truncated=True))) < MAX_FRAME_BYTES
    assert len(fitting) > 6_000
    short = tuple(row._replace(command="sleep 600") for row in rows[:5_000])
    assert _fit(short) == short


HIDDEN = """
from workers.agent.processes import ProcessReader
from workers.agent.host import HostReader
import os, time
reader = ProcessReader()
reader.sweep(); time.sleep(0.1); reader.sweep()
table = reader.table()
print(reader.count is None, table.restricted, [p.pid for p in table.processes] == [os.getpid()])
print(HostReader().read(True, reader.count).memory.total_bytes > 0)
"""


@pytest.mark.root
@pytest.mark.parametrize(("level", "uncounted"), [(1, False), (2, True)])
def test_hidden_processes_are_not_available_and_not_zero(level: int, uncounted: bool) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting /proc with hidepid needs root")
    script = f'mount -t proc -o hidepid={level} proc /proc && exec "$@"'
    before = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
    drop = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    # Any Python that another user may read; the one of the tests may lie in root's home.
    for python in ("/usr/bin/python3", sys.executable):
        probe = [*drop, python, "-c", "import sys; sys.exit(sys.version_info < (3, 9))"]
        if os.path.exists(python) and subprocess.run(probe, check=False).returncode == 0:
            break
    else:
        pytest.skip("no Python that an ordinary user may run")
    assert run_apart(HIDDEN, python, *before, *drop).split() == [
        str(uncounted), "True", "True", "True",
    ]  # fmt: skip


def test_a_process_that_slept_for_long_is_seen_to_work_again() -> None:
    code = "import sys\nsys.stdin.readline()\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as child:
        try:
            reader = ProcessReader()
            for _ in range(AFTER + TURNS):
                reader.sweep(thorough=False)
                time.sleep(0.06)
            assert reader.readings[child.pid].cpu_percent == 0.0
            assert child.stdin is not None
            child.stdin.write(b"go\n")
            child.stdin.flush()
            deadline = time.monotonic() + 20.0
            while not reader.readings[child.pid].cpu_percent:
                assert time.monotonic() < deadline
                time.sleep(0.06)
                reader.sweep(thorough=False)
            assert reader.readings[child.pid].cpu_percent < 200.0  # of the time since it was read
        finally:
            child.kill()


def test_a_process_that_slept_for_long_and_ended_is_gone_at_once() -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        reader = ProcessReader()
        for _ in range(AFTER + TURNS):
            reader.sweep(thorough=False)
            time.sleep(0.06)
        child.kill()
        child.wait()
        reader.sweep(thorough=False)
        assert child.pid not in reader.readings
