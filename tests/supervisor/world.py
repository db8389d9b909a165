"""Pairs for tests: started as an agent starts them, looked at through the run directory alone."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.agents import ROOT
from tests.processes import alive
from workers.machine.process import start_ticks
from workers.protocol import WorkerSpec
from workers.supervisor import cgroup, holder, launch
from workers.supervisor.condition import Condition
from workers.supervisor.launch import Launched, Launcher
from workers.supervisor.paths import AttemptPaths, RunPaths
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

PYTHON = sys.executable
LOGIN = {"PATH": os.environ["PATH"], "HOME": "/tmp", "LANG": "C.UTF-8"}


def eventually(
    what: Callable[[], Any], within_s: float = 15.0, say: Callable[[], Any] = str
) -> Any:
    """The first true value of `what()`."""
    deadline = time.monotonic() + within_s
    while not (value := what()):
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {value!r}\n{say()}"
        time.sleep(0.01)
    return value


class Worker:
    """One run, and what a test may ask of it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.paths = run.paths

    @property
    def now(self) -> Condition:
        return self.run.condition()

    def until(self, what: Callable[[Condition], Any], within_s: float = 15.0) -> Condition:
        """The condition once `what` of it is true."""
        eventually(lambda: what(self.now), within_s, self.story)
        return self.now

    def running(self, attempt: int = 1) -> Condition:
        return self.until(lambda now: now.state == "running" and now.attempt == attempt)

    def finished(self, within_s: float = 15.0) -> Condition:
        return self.until(lambda now: now.finished, within_s)

    def wants(self, act: str, grace_s: float | None = None) -> None:
        """As an agent does it: written down, then poked."""
        self.run.want(act, "ada@desk", grace_s)
        holder.poke(self.paths.lock)

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        return [event for event in self.run.events() if not kinds or event["kind"] in kinds]

    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.run.events()]

    def attempt(self, number: int = 1) -> AttemptPaths:
        return self.paths.attempt(number)

    def output(self, number: int = 1, stream: str = "out") -> str:
        try:
            return Path(self.attempt(number).log(stream)).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def says(self, text: str, number: int = 1) -> None:
        """Waits for the worker to print it."""
        eventually(lambda: text in self.output(number), say=self.story)

    def keeper(self, role: str) -> int:
        """pid of the shim or the guardian."""

        def look() -> int:
            found = holder.holder(self.paths.lock)
            return next((k.pid for k in found.keepers if k.role == role), 0) if found else 0

        return eventually(look)

    def kill_pair(self) -> None:
        """kill -9 of both; neither has time to go on for the other."""
        pids = [self.keeper("guardian")]
        if not self.now.unguarded:
            pids.append(self.keeper("shim"))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: not any(map(alive, pids)))

    def story(self) -> str:
        """For a failed test: what happened."""
        lines = [
            " ".join(f"{k}={v}" for k, v in event.items() if k not in ("crc", "spec", "boot_id"))
            for event in self.run.events()
        ]
        return "\n".join([*lines, str(self.now), *self.run.faults()])


class World:
    """A node's state directory with a launcher; everything it started is ended by `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = "t" + secrets.token_hex(8)
        (folder / "nodes").mkdir(parents=True, exist_ok=True)
        self.runs = Runs(str(folder / "nodes" / self.key))
        self.prefix: Sequence[str] = ()  # a command that starts the starter
        self.login: Mapping[str, str] = LOGIN
        self._launchers: list[Launcher] = []

    def launcher(self) -> Launcher:
        """A new agent's."""
        found = _Prefixed(self.login, str(ROOT), tuple(self.prefix))
        self._launchers.append(found)
        return found

    def create(self, *command: str, name: str = "w", **fields: Any) -> Worker:
        fields.setdefault("directory", str(self.folder))
        fields.setdefault("grace_s", 4.0)
        spec = WorkerSpec(secrets.token_hex(16), name, tuple(command), **fields)
        return Worker(self.runs.create(spec, "ada@desk"))

    def launch(self, worker: Worker) -> Launched:
        launcher = self._launchers[-1] if self._launchers else self.launcher()
        return launcher.launch(worker.paths.folder)

    def start(self, *command: str, **fields: Any) -> Worker:
        worker = self.create(*command, **fields)
        assert self.launch(worker).outcome == "held"
        return worker

    def python(self, code: str, **fields: Any) -> Worker:
        """A worker that runs this program."""
        return self.start(PYTHON, "-I", "-S", "-c", code, **fields)

    def another_agent(self) -> Launcher:
        """The one before is gone; launches go through a fresh one."""
        for launcher in self._launchers:
            launcher.close()
        return self.launcher()

    def mine(self) -> list[int]:
        """Every process of this world: with its token, or with a file open below its folder."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid() and self._is_mine(entry):
                found.append(int(entry))
        return found

    def carriers(self) -> list[int]:
        """Living processes of workers."""
        return [pid for pid in self.mine() if alive(pid) and self._has_token(str(pid))]

    def _is_mine(self, pid: str) -> bool:
        try:
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        except OSError:
            links = []
        return any(link.startswith(str(self.folder)) for link in links) or self._has_token(pid)

    def _has_token(self, pid: str) -> bool:
        try:
            return f"QD_TOKEN={self.key}:".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False

    def close(self) -> None:
        for launcher in self._launchers:
            launcher.close()
        deadline = time.monotonic() + 20.0
        empty = 0
        while empty < 3 and time.monotonic() < deadline:
            mine = [pid for pid in self.mine() if alive(pid)]
            empty = 0 if mine else empty + 1
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in mine:
                    try:
                        os.kill(pid, number)
                    except OSError:
                        pass
            time.sleep(0.02)
        assert empty, f"still alive: {mine}"
        self._remove_groups()

    def _remove_groups(self) -> None:
        parent = cgroup.own_group()
        for run in self.runs.all() if parent else ():
            for group in Path(str(parent)).glob(f"qd-{run.run_id[:16]}-*"):
                cgroup.remove(str(group))


class _Prefixed(Launcher):
    """A launcher whose starter runs below a command."""

    def __init__(self, login: Mapping[str, str], source: str, prefix: tuple[str, ...]) -> None:
        super().__init__(login, source)
        self._prefix = prefix

    def _begin(self) -> None:
        plain = launch.starter_argv
        launch.starter_argv = lambda source: ([*self._prefix, *plain(source)[0]], plain(source)[1])
        try:
            super()._begin()
        finally:
            launch.starter_argv = plain


def seen_afresh(worker: Worker) -> Worker:
    return Worker(Run(RunPaths(worker.paths.folder)))


def same_process(pid: int, ticks: int) -> bool:
    return alive(pid) and start_ticks(pid) == ticks


def run_quietly(*argv: str) -> bool:
    """Whether a command works here."""
    return subprocess.run(argv, capture_output=True).returncode == 0
