"""rsync killed, ending badly, running out of room, lying; jobs that are stopped, or two at a time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.jobs_sync.scenes import Scene, fake_ssh, parts, script
from tests.processes import descendants
from workers.errands.client import Errand
from workers.harness import WorkerError
from workers.jobs import sync
from workers.jobs.crew import Crew
from workers.jobs.document import Limits

REAL = "/usr/bin/rsync"
AS_REAL = f'case "$*" in *--version*) exec {REAL} --version;; esac\n'


def first_in_path(scene: Scene, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Another rsync on this machine; asked for its version it is the real one."""
    script(scene.folder / "bin", "rsync", AS_REAL + text)
    monkeypatch.setenv("PATH", f"{scene.folder / 'bin'}:{os.environ['PATH']}")


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr(Crew, "_pause", lambda *_: None)


def test_killed_at_random_it_goes_on_where_it_was(scene: Scene) -> None:
    """Row 103. KILL leaves rsync no chance to tidy up; at its place a file is whole or not there."""
    chance = random.Random(7)
    data = chance.randbytes(2_000_000).hex().encode() + b"\n"
    scene.put("d/a.jsonl", data)
    scene.ssh = fake_ssh(scene.folder)
    scene.changes["limits"] = {"retries": 0, "bandwidth_kib_s": 500}
    for _ in range(2):
        with Killer(scene.destination / ".quarterdeck/staging", chance.uniform(0.0, 0.4)):
            error = scene.failing()
        assert "it was killed" in str(error) or "(protocol stream)" in str(error)
        assert not scene.copy("games", "d/a.jsonl").exists()
        assert scene.synced() == []
    staging = scene.destination / ".quarterdeck/staging/sync/gpu-1"
    kept = [path.stat().st_size for path in staging.rglob("*a.jsonl*") if path.is_file()]
    assert max(kept) > 0
    scene.changes["limits"] = {"retries": 0}
    scene.run()
    assert scene.copy("games", "d/a.jsonl").read_bytes() == data
    scene.check()


class Killer:
    """Kills this process's rsyncs once, some time after the first has begun to write."""

    def __init__(self, staging: Path, delay_s: float) -> None:
        self._staging = staging
        self._delay_s = delay_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._hunt)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _hunt(self) -> None:
        while not self._over.wait(0.01):
            if not any(_size(path) > 100_000 for path in self._staging.rglob(".a.jsonl.*")):
                continue
            time.sleep(self._delay_s)
            found = [pid for pid in descendants(os.getpid()) if _is_transfer(pid)]
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if found:
                return


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _is_transfer(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].endswith(b"rsync") and b"--times" in words


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ('[ -e "$0.again" ] && exec /usr/bin/rsync "$@"; : > "$0.again"; exit 12', 0, ""),
        ('/usr/bin/rsync "$@"; echo "file has vanished: x" >&2; exit 24', 0, "vanished"),
        ("echo 'ssh: Could not resolve hostname' >&2; exit 255", 3, "Could not resolve"),
    ],
    ids=["12-then-0", "24", "255"],
)
def test_how_rsync_ends(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, brisk: None, text: str, code: int, words: str
) -> None:
    """Row 104."""
    scene.put("d/a.jsonl", "{}\n")
    first_in_path(scene, monkeypatch, text)
    scene.changes["limits"] = {"retries": 1}
    if code == 0:
        message = parts(scene.run())["gpu-1"]["message"]
        assert scene.copy("games", "d/a.jsonl").exists()
    else:
        error = scene.failing()
        message = str(error)
        assert error.code == code
        assert scene.synced() == []
    assert words in message


def test_a_folder_that_is_gone_is_no_folder_that_is_empty(scene: Scene) -> None:
    """Row 105: a mount of the source is not there. Nothing is deleted, and it is said."""
    scene.put("d/a.jsonl", "{}\n")
    scene.run()
    (scene.root / "d/a.jsonl").unlink()
    (scene.root / "d").rmdir()
    error = scene.failing()
    assert "games: d: not there" in str(error)
    assert scene.copy("games", "d/a.jsonl").read_text() == "{}\n"


def test_an_old_rsync_is_used_and_warned_of(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row 34 of the security list."""
    scene.put("d/a.jsonl", "{}\n")
    bin_folder = scene.folder / "bin"
    old = (
        'case "$*" in *--version*) echo "rsync  version 3.2.3  protocol version 31"; exit;; esac\n'
    )
    script(bin_folder, "rsync", f'{old}exec {REAL} "$@"\n')
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    text = sync.plan(scene.document()).text()
    assert "warning: rsync 3.2.3 on local has known flaws: 3.4.3 or newer is wanted" in text
    assert "--protect-args" in text
    scene.run()
    assert scene.copy("games", "d/a.jsonl").exists()
    assert "warning: rsync 3.2.3" in capsys.readouterr().out


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_a_full_and_a_read_only_destination(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 106: stops with the code for no disk, no manifest; goes on when there is room."""
    scene.destination.mkdir()
    mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", str(scene.destination))
    try:
        scene.put("d/a.jsonl", b"x" * 2_000_000 + b"\n")
        filler = scene.destination / ".filler"
        fill = f'[ -e {filler} ] || head -c 2000000 /dev/zero > {filler}; exec {REAL} "$@"'
        first_in_path(scene, monkeypatch, fill)
        scene.changes["limits"] = {"retries": 0, "space_fraction": 1.0}
        error = scene.failing()
        assert (error.code, scene.synced()) == (6, [])
        assert "no space left" in str(error).lower()
        filler.write_bytes(b"")
        scene.run()
        scene.check()
        mount("-o", "remount,ro", str(scene.destination))
        scene.put("d/b.jsonl", "{}\n")
        error = scene.failing()
        assert error.code == 1
        assert "ead-only" in str(error)
    finally:
        subprocess.run(["umount", str(scene.destination)], check=False)


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


# ------------------------------------------------------------ a node that lies


def test_a_sender_that_sends_something_else(scene: Scene) -> None:
    """Row 35: other bytes, links, devices and files nobody asked for. Nothing of it counts or leaves staging."""
    for name in ("a", "b", "c", "good"):
        scene.put(f"d/{name}.jsonl", f'{{"{name}":1}}\n')
    evil = scene.folder / "evil"
    (evil / "d").mkdir(parents=True)
    (evil / "d/a.jsonl").write_text('{"x":1}\n')
    (evil / "d/b.jsonl").symlink_to("/etc/passwd")
    os.mkfifo(evil / "d/c.jsonl")
    (evil / "d/good.jsonl").write_text('{"good":1}\n')
    scene.ssh = lying_ssh(scene, f"root = {str(evil)!r}")
    error = scene.failing()
    text = str(error)
    assert "d/a.jsonl: changed while it was copied" in text
    assert "d/b.jsonl: did not arrive" in text
    assert "d/c.jsonl: did not arrive" in text
    assert [entry.path for entry in scene.synced()] == ["d/good.jsonl"]
    links = [path for path in scene.destination.rglob("*") if path.is_symlink() or path.is_fifo()]
    assert links == []


def test_a_sender_of_files_nobody_asked_for(scene: Scene) -> None:
    scene.put("d/a.jsonl", "{}\n")
    scene.put("other/secret", "x")
    scene.put("d/more.txt", "x")
    scene.ssh = lying_ssh(scene, "flags = '-tpRr'; drop = True")
    with contextlib.suppress(
        WorkerError
    ):  # that it is refused is well; that it is not believed is tried here
        scene.run()
    arrived = {path.name for path in scene.destination.rglob("*") if path.is_file()}
    assert not arrived & {"secret", "more.txt"}
    assert {entry.path for entry in scene.synced()} <= {"d/a.jsonl"}


_LIAR = """
import os, sys
# What the client says in secret ends with an empty word; then the talk begins.
said = b""
while not said.endswith(b"\\0\\0"):
    said += os.read(0, 1)
argv = ["rsync"] + [word.decode() for word in said.split(b"\\0")[1:-2]]
root, flags, drop = argv[-1], None, False
{lie}
argv[-1] = root.rstrip("/") + "/"
argv = ["rsync", "--server", "--sender"] + [w for w in argv[1:] if w not in ("-s", "--server", "--sender")]
if flags:
    argv = [flags + w[w.index("e."):] if w.startswith("-") and "e." in w else w for w in argv]
if drop:
    argv = [w for w in argv if not w.startswith(("--files-from", "--from0"))]
os.execvp("rsync", argv)
"""


def lying_ssh(scene: Scene, lie: str) -> list[str]:
    """A node whose rsync is not ours: it hears what is wanted, and sends what it likes."""
    liar = scene.folder / "liar.py"
    liar.write_text(_LIAR.format(lie=lie))
    before = f'case "$*" in rsync*--server*) exec {sys.executable} {liar};; esac'
    return fake_ssh(scene.folder, before=before)


# ------------------------------------------------------------ stops and neighbours


def test_a_stop_ends_it_in_time_and_keeps_what_has_come(scene: Scene) -> None:
    data = os.urandom(3_000_000).hex().encode() + b"\n"
    scene.put("d/a.jsonl", data)
    path = scene.write_document(limits={"bandwidth_kib_s": 2000, "retries": 3})
    status = scene.folder / "status.json"
    env = {**os.environ, "QD_STATUS": str(status)}
    argv = [sys.executable, "-m", "workers.jobs", "sync", "--document", str(path)]
    with subprocess.Popen(argv, env=env, cwd=Path(__file__).parents[2]) as job:
        staging = scene.destination / ".quarterdeck/staging"
        until(lambda: any(p.stat().st_size > 100_000 for p in staging.rglob(".a.jsonl.*")))
        job.send_signal(signal.SIGTERM)
        assert job.wait(15) == 143
    said = json.loads(status.read_text())
    assert said["phase"] == "stopped"
    assert said["extra"]["parts"][0]["state"] == "failed"
    assert said["extra"]["parts"][0]["message"] == "stopped"
    assert list(staging.rglob(".rsync-partial/a.jsonl"))
    scene.run()
    assert hashlib.md5(scene.copy("games", "d/a.jsonl").read_bytes()).digest() == hashlib.md5(data).digest()  # fmt: skip


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise AssertionError("it did not come to that")


def test_two_jobs_take_turns(scene: Scene) -> None:
    """Row 109: the lock is the destination's, and an older job does not follow a newer one."""
    scene.put("d/a.jsonl", "{}\n")
    with Errand.open({"ssh": None}, "other") as other:
        other.lock(str(scene.destination), 7, "sync run-7 by ben@laptop")
        error = scene.failing(fence=8)
        assert error.code == 1
        assert "ben@laptop" in str(error)
    scene.run(fence=9)
    assert "9" in str(scene.failing(fence=8))
    assert [entry.fence for entry in scene.synced()] == [9]


def test_one_node_down_is_partial_and_named(scene: Scene) -> None:
    scene.nodes.update({"gpu-2": scene.root, "gpu-3": scene.folder / "third"})
    scene.put("d/a.jsonl", "{}\n")
    scene.put("d/b.jsonl", "{}\n", root=scene.nodes["gpu-3"])
    body = scene.body()
    body["hosts"]["gpu-2"]["ssh"] = ["false", "--", "gpu-2"]
    error = scene.failing(hosts=body["hosts"])
    assert (error.code, error.phase) == (1, "partial")
    assert "partial: 2 of 3 nodes; gpu-2" in str(error)
    assert scene.copy("games", "d/a.jsonl").exists()
    assert scene.copy("games", "d/b.jsonl", "gpu-3").exists()
    body["hosts"]["gpu-1"]["problem"] = "asks for a passphrase: unlock the agent"
    text = sync.plan(scene.document(hosts=body["hosts"])).text()
    assert "gpu-1: nothing: asks for a passphrase" in text


def test_no_node_reachable_is_its_own_code(scene: Scene) -> None:
    scene.ssh = ["sh", "-c", "echo 'Connection refused' >&2; exit 255", "--", "gpu-1"]
    error = scene.failing()
    assert error.code == 3
    assert Limits().retries == 3
