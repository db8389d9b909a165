"""What goes wrong around a run: its folder is deleted, memory runs out, the disk refuses."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import alive
from tests.supervisor.world import World, eventually, run_quietly, same_process, seen_afresh

ENDS_WHEN_TOLD = (
    "import os,time\nprint('up',flush=True)\n"
    "while not os.path.exists('go'): time.sleep(.01)\nraise SystemExit(37)"
)


@pytest.mark.parametrize("deleted", ["run", "node"])
def test_deleted_folder_is_made_again_under_a_live_worker(world: World, deleted: str) -> None:
    worker = world.python(ENDS_WHEN_TOLD, name="kept")
    now = worker.running()
    worker.says("up")
    spec = worker.run.spec()
    shutil.rmtree(worker.paths.folder if deleted == "run" else worker.paths.node_folder)
    eventually(lambda: seen_afresh(worker).now.state == "running")
    again = seen_afresh(worker)
    assert same_process(now.pid or 0, now.ticks or 0), "the worker was touched"
    assert again.run.spec() == spec
    eventually(lambda: any("deleted" in text for text in again.now.warnings))
    assert again.run.is_held()
    assert world.another_agent().launch(worker.paths.folder).outcome == "refused"
    assert oct(os.stat(worker.paths.folder).st_mode)[-3:] == "700"
    os.kill(again.keeper("shim"), signal.SIGKILL)
    again.until(lambda now: now.unguarded)
    assert again.run.is_held(), "the guardian holds the lock of the new folder"
    (world.folder / "go").touch()
    end = again.finished()
    assert (end.state, end.exit_code) == ("exited", 37)


@pytest.fixture
def little_memory(world: World) -> Iterator[Path]:
    """A memory group of 60 MB in which the whole supervisor starts."""
    group = Path("/sys/fs/cgroup/memory") / world.key
    if os.geteuid() != 0 or not (group.parent / "memory.limit_in_bytes").exists():
        pytest.skip("needs root and the memory controller (v1): memory cannot be limited")
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text(str(60 * 1024 * 1024))
    world.prefix = ("sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh")
    yield group
    world.close()
    eventually(lambda: run_quietly("rmdir", str(group)))


def test_end_for_want_of_memory_is_told_from_a_kill(world: World, little_memory: Path) -> None:
    greedy = world.python(
        "import time\nheld=[]\nwhile True:\n    held.append(b'x' * 1_000_000); time.sleep(.001)"
    )
    end = greedy.finished()
    assert (end.state, end.signal, end.oom) == ("exited", signal.SIGKILL, True)
    killed = world.start("sleep", "600")
    os.kill(killed.running().pid or 0, signal.SIGKILL)
    end = killed.finished()
    assert (end.state, end.signal, end.oom) == ("exited", signal.SIGKILL, False)


@pytest.fixture
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small file system in memory."""
    mount = tmp_path_factory.mktemp("disk")
    if not run_quietly("mount", "-t", "tmpfs", "-o", "size=2m", "none", str(mount)):
        pytest.skip("no file system can be mounted here")
    yield mount
    eventually(lambda: run_quietly("umount", str(mount)))


@pytest.fixture
def small_world(disk: Path) -> Iterator[World]:
    found = World(disk)
    yield found
    found.close()


def test_end_is_kept_as_a_zombie_while_the_disk_cannot_be_written(
    world: World,
) -> None:
    """A file system cannot be made read-only while a worker logs to it: its state files alone are."""
    worker = world.python(ENDS_WHEN_TOLD)
    pid = worker.running().pid or 0
    worker.says("up")
    files = (worker.paths.events, worker.attempt().exit_record)
    if not run_quietly("chattr", "+i", *files):
        pytest.skip("no file can be made immutable here")
    try:
        (world.folder / "go").touch()
        eventually(lambda: not alive(pid))
        shim = worker.keeper("shim")
        before = _switches(shim)
        time.sleep(1.0)
        assert _switches(shim) - before < 20, "it tries again in a busy loop"
        assert worker.now.state == "running"
        assert os.path.exists(f"/proc/{pid}"), "its end is not let go before it is written"
    finally:
        run_quietly("chattr", "-i", *files)
    end = worker.finished()
    assert (end.state, end.exit_code) == ("exited", 37)


def _switches(pid: int) -> int:
    """How often a process has gone to sleep."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("voluntary_ctxt_switches:")[2].split()[0])


def test_end_is_written_on_a_full_disk(small_world: World, disk: Path, tmp_path: Path) -> None:
    worker = small_world.python(ENDS_WHEN_TOLD, directory=str(tmp_path))
    worker.says("up")
    with open(disk / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            pass
    (tmp_path / "go").touch()
    end = worker.finished()
    assert (end.state, end.exit_code) == ("exited", 37)
