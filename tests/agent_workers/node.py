"""A node of its own for a test: a home, a state directory, agents on it, and the runs they leave there."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.agents import AgentProcess
from tests.processes import alive
from workers.agent.identity import node_key
from workers.machine.boot import pid_namespace
from workers.machine.process import start_ticks
from workers.protocol import (
    CommandWorker,
    Failure,
    Heartbeat,
    Hello,
    Notice,
    StartWorker,
    WatchWorkers,
    WorkerRecord,
    WorkerReply,
    WorkerReport,
    WorkerSpec,
)
from workers.supervisor.holder import holder
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

PATIENCE_S = 30.0


def until(what: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """The first true value; fails with the last one."""
    deadline = time.monotonic() + within_s
    while not (value := what()):
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {value!r}"
        time.sleep(0.02)
    return value


class Asker:
    """One console's view of an agent: asks, and waits for what the report says."""

    def __init__(self, agent: AgentProcess) -> None:
        self.agent = agent
        self._stream = 0
        self.notices: list[Any] = []

    def ask(self, message: Any, timeout_s: float = PATIENCE_S) -> Any:
        """The one reply."""
        return self.answer(self.send(message), timeout_s)

    def send(self, message: Any) -> int:
        self._stream += 1
        self.agent.send(message, self._stream)
        return self._stream

    def answer(self, stream: int, timeout_s: float = PATIENCE_S) -> Any:
        deadline = time.monotonic() + timeout_s
        while True:
            for position, (number, message) in enumerate(self.agent.inbox):
                if number == stream:
                    del self.agent.inbox[position]
                    return message
            assert time.monotonic() < deadline, f"no answer within {timeout_s:.0f} s"
            self.agent._read(0.5)

    def start(self, spec: WorkerSpec) -> WorkerRecord:
        reply = self.ask(StartWorker(spec))
        assert isinstance(reply, WorkerReply), reply
        return reply.record

    def command(self, run_id: str, act: str, **fields: Any) -> Any:
        return self.ask(CommandWorker(run_id, act, "ada@desk", **fields))

    def record(
        self,
        run_id: str,
        matching: Callable[[WorkerRecord], bool] = lambda _: True,
        within_s: float = PATIENCE_S,
    ) -> WorkerRecord:
        """The first record of this run, from now on, that matches."""
        deadline = time.monotonic() + within_s
        last = None
        self.agent.send(WatchWorkers())  # at rest a report comes every 5 s only
        while time.monotonic() < deadline:
            for record in self.report(deadline - time.monotonic()).workers:
                if record.run_id == run_id:
                    last = record
                    if matching(record):
                        return record
        raise AssertionError(f"no such record within {within_s:.0f} s, the last: {last}")

    def report(self, within_s: float = PATIENCE_S) -> WorkerReport:
        """The next report; notices that came before it are kept."""
        deadline = time.monotonic() + within_s
        while True:
            for position, (_, message) in enumerate(self.agent.inbox):
                if isinstance(message, WorkerReport):
                    del self.agent.inbox[: position + 1]
                    return message
                if isinstance(message, Notice) and message not in self.notices:
                    self.notices.append(message)
            assert time.monotonic() < deadline, f"no report within {within_s:.0f} s"
            self.agent.send(Heartbeat(0, 0.0, 0.0))  # an agent that hears nothing ends
            self.agent._read(min(2.0, deadline - time.monotonic()))


class Node:
    """The home and state directory of one node. ``agent()`` starts one more agent on it."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.state = folder / "state"
        self.home.mkdir(mode=0o700)
        self.home.chmod(0o700)
        self.folder = self.state / "nodes" / node_key(os.uname().nodename)

    @contextmanager
    def agent(
        self,
        watch: bool = True,
        before: tuple[str, ...] = (),
        python: str = sys.executable,
        **more: str,
    ) -> Iterator[Asker]:
        """An agent with a login of its own, and whatever else stands in its environment."""
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            **more,
        }
        with AgentProcess(self.state, python, before, environment) as process:
            process.receive(Hello)
            if watch:
                process.send(WatchWorkers())
            yield Asker(process)

    @property
    def runs(self) -> Runs:
        return Runs(str(self.folder))

    def run(self, run_id: str) -> Run:
        found = self.runs.get(run_id)
        assert found is not None, f"no run {run_id}"
        return found

    def keepers(self, run_id: str) -> list[int]:
        """The pids of the pair, where it lives in our own PID namespace."""
        found = holder(self.run(run_id).paths.lock)
        if found is None or found.namespace != pid_namespace():
            return []
        return [
            keeper.pid
            for keeper in found.keepers
            if alive(keeper.pid) and start_ticks(keeper.pid) == keeper.ticks
        ]

    def processes(self, run_id: str) -> list[int]:
        """Every process that carries the run's token."""
        return [pid for pid, folder in carriers() if folder == str(self.folder / "runs" / run_id)]

    def clean(self) -> None:
        """Ends every pair and every process of every run that was started here."""
        deadline = time.monotonic() + 10.0
        while time.monotonic() < deadline:
            pids = [pid for run in self.runs.all() for pid in self.keepers(run.run_id)]
            pids += [pid for pid, folder in carriers() if folder.startswith(str(self.state))]
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)


def carriers() -> Iterator[tuple[int, str]]:
    """Every process that was told a run directory, and which."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                content = (entry / "environ").read_bytes()
            except OSError:
                continue
            for variable in content.split(b"\0"):
                if variable.startswith(b"QD_RUN_DIR=") and alive(int(entry.name)):
                    yield int(entry.name), os.fsdecode(variable[11:])


def spec(name: str, *command: str, **fields: Any) -> WorkerSpec:
    """One worker with a fresh run id."""
    return WorkerSpec(secrets.token_hex(16), name, command, by="ada@desk", **fields)


def sleeper(name: str = "sleeper", **fields: Any) -> WorkerSpec:
    return spec(name, "sleep", "600", **fields)


def script(name: str, text: str, **fields: Any) -> WorkerSpec:
    """A worker that is a shell script."""
    return spec(name, "sh", "-c", text, **fields)


def refused(reply: Any, code: str) -> str:
    """The words of a Failure with this code."""
    assert isinstance(reply, Failure), reply
    assert reply.code == code, reply
    return reply.text
