"""A whole sample, as an agent takes it: it travels, and it runs on the oldest Python."""

from __future__ import annotations

import time

import pytest

from tests.agent.conftest import Driver, eventually, python39, run_apart
from workers.agent.gpu import GpuReader
from workers.agent.sampler import Sampler
from workers.protocol import (
    AGENT_MESSAGES,
    Configure,
    FrameDecoder,
    Sample,
    decode_message,
    encode_message,
)


def test_a_sample_arrives_as_it_was_taken() -> None:
    sampler = Sampler()
    sampler.configure(Configure(interest="full", disks=("/",), top=3))
    sampler.sample()
    time.sleep(0.1)
    sample = sampler.sample()
    (frame,) = FrameDecoder().feed(encode_message(sample))
    arrived = decode_message(frame.payload, AGENT_MESSAGES)
    assert isinstance(arrived, Sample)
    assert arrived == sample
    assert (arrived.sequence, len(arrived.top), len(arrived.disks)) == (2, 3, 1)
    assert arrived.host.process_count
    assert arrived.host.core_percents
    sampler.close()


def test_a_hung_driver_does_not_keep_the_sample_back(driver: Driver) -> None:
    driver.says("count 1", "hang nvmlInit_v2")
    sampler = Sampler(GpuReader(late_s=0.2))
    sample = eventually(lambda: (found := sampler.sample()).gpu.fault and found)
    assert isinstance(sample, Sample)
    assert "not answering" in (sample.gpu.fault or "")
    assert sample.host.memory.total_bytes
    assert sample.top
    sampler.close()


def test_gpu_memory_reaches_the_processes_of_the_sample(driver: Driver) -> None:
    driver.says("count 1", "0.processes 1:5368709120")
    sampler = Sampler()
    sampler.configure(Configure(top=500))
    held = eventually(
        lambda: [row for row in sampler.sample().top if row.gpu_memory_bytes is not None]
    )
    assert [(row.pid, row.gpu_memory_bytes) for row in held] == [(1, 5 << 30)]  # type: ignore[attr-defined]
    sampler.close()


CHEAP = """
from workers.agent.sampler import Sampler
from workers.agent import details, disk_usage, signals
Sampler().sample()
heavy = {"asyncio", "dataclasses", "inspect", "subprocess", "logging", "threading", "ctypes", "psutil", "pynvml"}
print(sorted(heavy & set(sys.modules)))
"""


def test_an_agent_imports_nothing_heavy() -> None:
    assert run_apart(CHEAP).strip() == "[]"


OLDEST = """
import os, subprocess, time
from workers.agent.details import describe
from workers.agent.disk_usage import explain
from workers.machine.boot import boot_id, pid_namespace
from workers.machine.process import start_ticks
from workers.agent.sampler import Sampler
from workers.agent.signals import deliver
from workers.protocol import *
sampler = Sampler()
sampler.configure(Configure(interest="full"))
sampler.sample(); time.sleep(0.1)
sample = sampler.sample()
assert encode_message(sample) and sample.host.process_count, sample
child = subprocess.Popen(["sleep", "600"])
try:
    who = ProcessIdentity(boot_id(), pid_namespace(), child.pid, start_ticks(child.pid))
    found = describe(DescribeProcess(who), sampler.processes)
    assert found.process.pid == child.pid, found
    assert deliver(SignalProcess(who, "TERM")).delivered
    assert child.wait(10) == -15
finally:
    child.kill()
assert explain(ExplainDisk("/etc", 1.0)).files > 0
print("good")
"""


def test_everything_runs_on_the_oldest_python() -> None:
    python = python39()
    if python is None:
        pytest.skip("no Python 3.9 found")
    assert run_apart(OLDEST, python).strip() == "good"
