"""What must not be seen is not: secrets in no output of the program; what is not ours is not touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from console.errors import QuarterdeckError
from console.operations.workers import StartRequest
from tests.faults_workers.desk import Desk, run_folders
from tests.processes import alive
from tests.sshd import Sshd
from workers.machine.process import start_ticks
from workers.protocol import Orphan

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be another user")
NOBODY = 65534
# Whoever prints one of these has told it.
BY_ENVIRONMENT = "canary-5f1e-environment"
BY_FILE = "canary-5f1e-file"
BY_CONSOLE = "canary-5f1e-console"
BY_NAME = "canary-5f1e-option"
CANARIES = (BY_ENVIRONMENT, BY_FILE, BY_CONSOLE, BY_NAME)
PRESETS = [
    {
        "name": "secretive",
        "command": ["sh", "-c", "env > $HOME/dump.part; mv $HOME/dump.part $HOME/dump; sleep 600"],
        "nodes": "far",
        "environment": {
            "API_KEY": {"from_env": "LOGIN_KEY"},
            "TOKEN": {"from_file": "~/token"},
            "PLAIN": "shown",
        },
    },
    {"name": "lacking", "command": ["true"], "nodes": "far",
     "environment": {"API_KEY": {"from_env": "NOT_THERE"}, "TOKEN": {"from_file": "~/token"}}},
]  # fmt: skip


class Watcher:
    """Reads the command line of every process of the machine again and again, as any user may."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            for entry in os.scandir("/proc"):
                if entry.name.isdigit():
                    try:
                        self.seen.add(Path(entry.path, "cmdline").read_bytes())
                    except OSError:
                        continue

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def told(data: bytes) -> list[str]:
    return [canary for canary in CANARIES if canary.encode() in data]


def files_that_tell(folder: Path, but: tuple[Path, ...]) -> list[tuple[Path, list[str]]]:
    found = []
    for path in folder.rglob("*"):
        plain = path.is_file() and not path.is_symlink() and path not in but
        if plain and (words := told(path.read_bytes())):
            found.append((path, words))
    return found


def test_a_secret_reaches_its_worker_and_no_output_of_anything(desk: Desk, server: Sshd) -> None:
    (server.home / ".profile").write_text(f"export LOGIN_KEY={BY_ENVIRONMENT}\n")
    (server.home / "token").write_text(f"{BY_FILE}\n")
    desk.settings(desk.far(server), presets=PRESETS)
    said = []
    with Watcher() as watcher:
        for words in (
            ("workers", "start", "--preset", "secretive", "--dry-run"),
            ("workers", "start", "--preset", "secretive", "--json"),
            ("workers", "start", "--preset", "lacking"),
            ("workers", "show", "lacking"),
            ("workers", "logs", "secretive"),
            ("workers", "stop", "secretive", "--wait"),
        ):
            done = desk(*words, CONSOLE_SECRET=BY_CONSOLE, AWS_SECRET_ACCESS_KEY=BY_CONSOLE)
            assert done.code in (0, 1), (words, done.err)
            said.append((words, done.out + done.err))
    dump = (server.home / "dump").read_text()
    assert f"API_KEY={BY_ENVIRONMENT}" in dump
    assert f"TOKEN={BY_FILE}" in dump
    assert BY_CONSOLE not in dump, "nothing of the console's environment comes along"
    assert not [line for line in dump.splitlines() if line.startswith(("SSH_", "QUARTERDECK_"))]
    for words, text in said:
        assert told(text.encode()) == [], words
    # BY_NAME is another test's, which types it: the whole machine is watched.
    assert [line for line in watcher.seen if set(told(line)) - {BY_NAME}] == []
    known = tuple(server.home / name for name in (".profile", "token", "dump"))
    assert files_that_tell(server.home, known) == []
    assert files_that_tell(desk.folder, ()) == []
    lacking = next(text for words, text in said if words[:3] == ("workers", "show", "lacking"))
    assert "NOT_THERE" in lacking, "which secret is missing is said"


def test_a_secret_in_an_option_reaches_neither_audit_nor_cache(desk: Desk) -> None:
    """Who writes one on the command line has told it to the process table; we tell it to nobody else."""
    done = desk(
        "workers", "start", "--node", "local", "--name", "told", "--env", f"HF_TOKEN={BY_NAME}",
        "--", "sh", "-c", "exit 0", "--token", BY_NAME,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert told((done.out + done.err).encode()) == []
    state = desk.home / ".local" / "state" / "quarterdeck"
    (folder,) = run_folders(desk.home)
    # What the worker needs to start again is in its own run directory, and there only.
    found = [path for path, _ in files_that_tell(state, ())]
    assert all(folder in path.parents for path in found), found
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}


class Record:
    """The audit log, looked at after each action."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen = 0

    def has(self, verb: str, *argv: str, well: bool = True) -> None:
        """One new action, asked and ended, with these words in this order."""
        entries = self._desk.audit()
        new, self._seen = entries[self._seen :], len(entries)
        asked, ended = new
        assert asked["id"] == ended["id"]
        assert (asked["result"], asked["verb"], asked["node"]) == ("asked", verb, "far")
        assert "@" in ended["who"]
        assert ended["time"].endswith("+00:00")
        rest = iter(ended["argv"])
        assert all(word in rest for word in argv), ended["argv"]
        bad = ended["result"].startswith(("refused", "failed", "unreachable", "unknown"))
        assert bad != well, ended["result"]


async def test_every_action_is_on_the_record_with_who_where_what_and_what_came_of_it(
    desk: Desk, server: Sshd
) -> None:
    desk.settings(desk.far(server))
    foreign = subprocess.Popen(["sleep", "600"])
    try:
        async with desk.console() as console:
            record = Record(desk)
            workers = console.runtime.workers
            nap = await console.start("nap", "sleep", "600")
            record.has("workers.start", "nap", nap.run_id, "--", "sleep", "600")
            request = StartRequest(command=("sleep", "600"), name="nap", nodes=("far",))
            (refused,) = await workers.start(await workers.check(workers.plan(request)))
            assert not refused.done
            record.has("workers.start", "nap", "--", "sleep", "600", well=False)
            for act, well in (("restart", True), ("drain", False), ("kill", True)):
                await console.act(nap.run_id, act)
                record.has(f"workers.{act}", "nap", nap.run_id, well=well)
            await console.shows(nap.run_id, lambda r: r.state == "stopped")
            await console.act(nap.run_id, "restart")
            record.has("workers.restart", "nap", nap.run_id)
            await console.shows(nap.run_id, lambda r: r.state == "running")
            with pytest.raises(QuarterdeckError):
                await workers.forget(("far", nap.run_id))
            record.has("workers.forget", "nap", nap.run_id, well=False)
            await console.act(nap.run_id, "stop", grace_s=3.0)
            record.has("workers.stop", "nap", nap.run_id, "grace=3")
            await console.shows(nap.run_id, lambda r: r.state == "stopped")
            ticks = start_ticks(foreign.pid)
            orphan = Orphan("it", "foreign", "", ("adopt",), pid=foreign.pid, start_ticks=ticks)
            adopted = await workers.adopt("far", orphan, "theirs")
            record.has("workers.adopt", "theirs", str(foreign.pid))
            await console.shows(adopted.run_id, lambda r: r.state == "running")
            await console.act(adopted.run_id, "stop")
            record.has("workers.stop", "theirs", adopted.run_id)
            await console.shows(adopted.run_id, lambda r: r.state == "stopped")
            assert foreign.wait(10) != 0
            for name, run_id in (("nap", nap.run_id), ("theirs", adopted.run_id)):
                await workers.forget(("far", run_id))
                record.has("workers.forget", name, run_id)
            await console.runtime.nodes.uninstall("far", confirm=True)
            record.has("nodes.uninstall")
    finally:
        foreign.kill()
        foreign.wait()


# ---------------------------------------------------------------- other users


@as_root
def test_who_is_not_root_neither_adopts_nor_ends_what_is_not_theirs(tmp_path: Path) -> None:
    """The whole program as another user, beside a process of ours: it is refused and says why."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    home = Path("/tmp") / f"qd-nobody-{os.getpid()}"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    ours = subprocess.Popen(["sleep", "600"])

    def as_nobody(*words: str) -> subprocess.CompletedProcess[str]:
        argv = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups",
                sys.executable, "-m", "console", *words]  # fmt: skip
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60)

    try:
        probe = as_nobody("version")
        if probe.returncode:
            pytest.skip(f"another user cannot run this checkout: {probe.stderr.strip()[-200:]}")
        adopted = as_nobody("workers", "adopt", str(ours.pid), "--node", "local", "--name", "mine")
        assert adopted.returncode != 0
        assert "user" in adopted.stderr + adopted.stdout
        signalled = as_nobody("ps", "signal", str(ours.pid), "TERM", "--yes")
        assert signalled.returncode != 0
        assert alive(ours.pid)
    finally:
        ours.kill()
        ours.wait()
        from tests.running import sweep

        sweep(home)
        shutil.rmtree(home, ignore_errors=True)
