"""The agent as its console sees it: real processes, spoken to in frames."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents import AgentProcess
from tests.processes import alive, descendants
from workers.agent import server as server_module
from workers.agent.identity import hello
from workers.agent.server import Server
from workers.protocol import (
    AGENT_MESSAGES,
    MESSAGE,
    Configure,
    CountNow,
    DatasetCount,
    DatasetReport,
    DatasetWatch,
    DescribeProcess,
    DiskExplanation,
    ExplainDisk,
    Failure,
    FrameDecoder,
    Heartbeat,
    Hello,
    Host,
    ListProcesses,
    Notice,
    ProcessDetails,
    ProcessIdentity,
    ProcessTable,
    Sample,
    SignalOutcome,
    SignalProcess,
    decode_message,
    encode_frame,
    encode_message,
)

PYTHON39 = Path.home() / ".pyenv/versions/3.9.18/bin/python"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    with AgentProcess(tmp_path) as process:
        yield process


def until(condition: Any, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


# ---------------------------------------------------------------- facts


def test_hello_comes_first_and_says_who_and_where(agent: AgentProcess) -> None:
    greeting = agent.receive(Hello)
    assert greeting.pid == agent.pid
    assert greeting.hostname == os.uname().nodename
    assert greeting.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert greeting.memory_bytes
    assert greeting.system
    assert len(greeting.node_key) == 32


def test_samples_and_heartbeats_keep_coming(agent: AgentProcess) -> None:
    agent.send(Configure(interval_s=0.2))
    first = agent.receive(Sample)
    later = agent.receive(Sample)
    while later.host.cpu_percent is None:
        later = agent.receive(Sample)
    assert later.sequence > first.sequence
    assert later.host.memory.total_bytes
    assert agent.receive(Heartbeat).boottime > 0


def test_a_heartbeat_echoes_ours(agent: AgentProcess) -> None:
    agent.receive(Hello)
    agent.send(Heartbeat(41, 0.0, 0.0))
    found = agent.receive(Heartbeat)
    while found.echo is None:
        found = agent.receive(Heartbeat)
    assert found.echo == 41
    assert 0 <= found.echo_age_s < 20


def test_interest_off_means_heartbeats_only(agent: AgentProcess) -> None:
    agent.send(Configure(interest="off", interval_s=0.1))
    agent.receive(Heartbeat)
    agent.receive(Heartbeat)
    agent.inbox.clear()
    agent.send(ListProcesses(), 1)  # answered after whatever sample was on its way
    agent.receive(ProcessTable, 1)
    assert not [m for m in agent.receive_for(0.6) if isinstance(m, Sample)]


def test_interest_full_adds_the_cores(agent: AgentProcess) -> None:
    agent.send(Configure(interest="full", interval_s=0.1))
    sample = agent.receive(Sample)
    while not sample.host.core_percents:
        sample = agent.receive(Sample)
    assert len(sample.host.core_percents) == os.cpu_count()


@pytest.mark.skipif(not PYTHON39.exists(), reason="no Python 3.9 here")
def test_python_3_9_is_enough(tmp_path: Path) -> None:
    with AgentProcess(tmp_path, str(PYTHON39)) as agent:
        assert agent.receive(Hello).python.startswith("3.9.")
        agent.receive(Sample)
        agent.send(ListProcesses(), 1)
        assert agent.receive(ProcessTable, 1).processes


# ---------------------------------------------------------------- requests


def test_replies_come_under_the_stream_of_their_request(agent: AgentProcess) -> None:
    agent.send(ListProcesses(5), 11)
    agent.send(ExplainDisk("/proc/self", 0.1), 12)
    assert len(agent.receive(ProcessTable, 11).processes) == 5


def test_a_process_is_described_and_signalled_by_identity(agent: AgentProcess) -> None:
    greeting = agent.receive(Hello)
    child = subprocess.Popen(["sleep", "60"])
    try:
        agent.send(ListProcesses(), 1)
        table = agent.receive(ProcessTable, 1)
        row = next(process for process in table.processes if process.pid == child.pid)
        identity = ProcessIdentity(
            greeting.boot_id, greeting.pid_namespace, child.pid, row.start_ticks
        )
        agent.send(DescribeProcess(identity), 2)
        assert agent.receive(ProcessDetails, 2).process.command == "sleep 60"
        agent.send(SignalProcess(identity._replace(start_ticks=row.start_ticks + 1), "KILL"), 3)
        assert not agent.receive(SignalOutcome, 3).delivered
        assert child.poll() is None
        agent.send(SignalProcess(identity, "TERM"), 4)
        assert agent.receive(SignalOutcome, 4).delivered
        assert child.wait(10) == -signal.SIGTERM
    finally:
        child.kill()
        child.wait()


def test_a_full_disk_is_explained(agent: AgentProcess, tmp_path: Path) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "file").write_bytes(b"x" * 500_000)
    agent.send(ExplainDisk(str(tmp_path)), 5)
    assert agent.receive(DiskExplanation, 5).entries[0].bytes >= 500_000


def test_datasets_are_counted_and_recounted_on_request(agent: AgentProcess, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"n": 1}\n' * 3)
    agent.send(
        Configure(root=str(tmp_path), datasets=(DatasetWatch("games", ("*.jsonl",), "lines"),))
    )
    report = agent.receive(DatasetReport)
    while report.counts[0].records is None:
        report = agent.receive(DatasetReport)
    assert report.counts[0].records == 3
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write('{"n": 2}\n')
    agent.send(CountNow(), 6)
    assert agent.receive(DatasetReport, 6).counts[0].records == 4


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b'{"type":"make_coffee","cups":2}', "unknown_message"),
        (b'{"type":"list_processes","limit":"all"}', "bad_request"),
        (b'{"type":"describe_process"}', "bad_request"),
        (b'{"type":"hello"}', "unknown_message"),
        (b"[" * 50_000, "bad_request"),
        (b"\xff\xff", "bad_request"),
        (b"", "bad_request"),
    ],
)
def test_a_bad_request_is_answered_and_survived(
    agent: AgentProcess, payload: bytes, code: str
) -> None:
    agent.send_bytes(encode_frame(MESSAGE, 3, payload))
    assert agent.receive(Failure, 3).code == code
    agent.send(ListProcesses(1), 4)
    assert agent.receive(ProcessTable, 4).processes


def test_an_unknown_kind_of_frame_is_passed_over(agent: AgentProcess) -> None:
    agent.send_bytes(encode_frame(99, 1, b"\x00\xff"))
    agent.send(ListProcesses(1), 2)
    agent.receive(ProcessTable, 2)


@pytest.mark.parametrize("number", [-1.0, 0.0, 1e300])
def test_odd_figures_in_the_configuration_do_no_harm(agent: AgentProcess, number: float) -> None:
    agent.send(Configure(interval_s=number, count_interval_s=number, top=-3))
    agent.send(ListProcesses(-1), 2)
    agent.receive(ProcessTable, 2)
    agent.receive(Heartbeat)


def test_a_length_beyond_the_cap_ends_the_agent(agent: AgentProcess) -> None:
    agent.receive(Hello)
    agent.send_bytes(b"\xff" * 64)
    assert agent.process.wait(10) == 0


# ---------------------------------------------------------------- the end


def test_it_ends_with_its_input_and_leaves_nothing(agent: AgentProcess) -> None:
    agent.receive(Sample)
    children = descendants(agent.pid)
    assert agent.process.stdin is not None
    agent.process.stdin.close()
    assert agent.process.wait(10) == 0
    until(lambda: not any(alive(pid) for pid in children))


def test_it_ends_when_nobody_reads(agent: AgentProcess) -> None:
    agent.receive(Hello)
    assert agent.process.stdout is not None
    agent.process.stdout.close()
    assert agent.process.wait(10) == 0


class StandIn:
    """A sampler and counter under the test's control."""

    def __init__(self) -> None:
        self.taken = 0
        self.hang = threading.Event()
        self.hang.set()
        self.fail = False
        self.processes = self

    def sweep(self) -> None:
        self.hang.wait(30)

    def table(self, limit: int) -> ProcessTable:
        return ProcessTable(())

    def configure(self, *_: object) -> None:
        pass

    def sample(self) -> Sample:
        self.hang.wait(30)
        if self.fail:
            raise OSError("no /proc today")
        self.taken += 1
        host = Host(users=("x" * 1000,) * 60)
        return Sample(self.taken, time.time(), 1.0, host)

    def count(self, should_stop: Any) -> DatasetReport:
        while not should_stop():
            time.sleep(0.01)
        return self.report()

    def report(self) -> DatasetReport:
        return DatasetReport(1.0, (DatasetCount("d", reason="counting"),))


class InThread:
    """A server in a thread on a socket pair, with stand-ins for what it reads."""

    def __init__(self) -> None:
        self.ours, self._theirs = socket.socketpair()
        self.ours.settimeout(20)
        self.parts = StandIn()
        number = self._theirs.fileno()
        self.server = Server(number, number, hello("", None, ()), self.parts, self.parts)
        self.ended_because = ""
        self._decoder = FrameDecoder()
        self._inbox: list[Any] = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.ended_because = self.server.run()

    def send(self, message: Any, stream: int = 0) -> None:
        self.ours.sendall(encode_message(message, stream))

    def receive(self, kind: type[Any], timeout_s: float = 20.0) -> Any:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            while self._inbox:
                message = self._inbox.pop(0)
                if isinstance(message, kind):
                    return message
            if select.select([self.ours], [], [], 0.1)[0]:
                frames = self._decoder.feed(self.ours.recv(65_536))
                self._inbox += [decode_message(frame.payload, AGENT_MESSAGES) for frame in frames]
        raise AssertionError(f"no {kind.__name__}")


@pytest.fixture
def inside() -> Iterator[InThread]:
    made = InThread()
    yield made
    made.parts.hang.set()
    made.ours.close()
    made.thread.join(10)


def test_it_ends_when_no_console_is_heard(
    inside: InThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "SILENCE_S", 1.2)
    inside.thread.join(20)
    assert inside.ended_because == "no console was heard"


def test_heartbeats_go_out_while_a_sample_hangs(inside: InThread) -> None:
    inside.receive(Sample)
    inside.parts.hang.clear()
    before = inside.receive(Heartbeat).sequence
    while inside.receive(Heartbeat).sequence < before + 3:
        pass


def test_a_slow_sample_is_said_once(inside: InThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "SLOW_SAMPLE_S", 0.3)
    inside.receive(Sample)
    inside.parts.hang.clear()
    assert "takes more than" in inside.receive(Notice).text


def test_a_failing_reader_is_named_and_survived(inside: InThread) -> None:
    inside.receive(Sample)
    inside.parts.fail = True
    assert "no /proc today" in inside.receive(Notice).text
    inside.parts.fail = False
    inside.receive(Sample)


def test_a_reader_that_pauses_gets_the_newest_sample(inside: InThread) -> None:
    """Some lie in the socket's buffer; of the rest only the newest was kept."""
    inside.send(Configure(interval_s=0.1))
    inside.receive(Sample)
    until(lambda: inside.parts.taken > 40)
    taken = inside.parts.taken
    seen = []
    while not seen or seen[-1] < taken:
        seen.append(inside.receive(Sample).sequence)
    assert len(seen) < taken - 10


def test_a_count_shows_its_progress_and_stops_for_new_settings(inside: InThread) -> None:
    watch = DatasetWatch("d", ("x",), "lines")
    inside.send(Configure(datasets=(watch,)))
    assert inside.receive(DatasetReport).counts[0].reason == "counting"
    inside.send(Configure(datasets=()))
    assert inside.receive(DatasetReport).counts == ()


def test_too_many_requests_are_refused(inside: InThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.agent.requests.MAX_RUNNING", 2)
    inside.parts.hang.clear()  # the table's lane is busy
    for stream in (1, 2, 3):
        inside.send(ListProcesses(), stream)
    assert "run already" in inside.receive(Failure).text


def test_the_same_machine_has_the_same_key() -> None:
    assert hello("", None, ()).node_key == hello("", None, ()).node_key


def test_zstd_is_told_where_it_is() -> None:
    assert ("zstd" in hello("", None, ()).capabilities) == (shutil.which("zstd") is not None)
