"""GPU readings: pynvml's real code on a stand-in library, through the real child process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.channels import bundle
from tests.agent.conftest import Driver, eventually
from workers.agent import gpu_driver
from workers.agent.gpu import GpuReader
from workers.agent.processes import gpu_memory
from workers.agent.xid import KernelLog, pci_place
from workers.protocol import GpuReport

Start = Callable[..., GpuReader]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[GpuReader] = []

    def make(**arguments: object) -> GpuReader:
        started.append(GpuReader(**arguments))  # type: ignore[arg-type]
        return started[-1]

    yield make
    for reader in started:
        reader.close()


def until(reader: GpuReader, holds: Callable[[GpuReport], object]) -> GpuReport:
    """Polls until a report is as wanted."""
    last = GpuReport()

    def one() -> bool:
        nonlocal last
        last = reader.poll(0.02)
        return bool(holds(last))

    eventually(one)
    return last


def child_of(reader: GpuReader) -> int:
    assert reader._child is not None
    return reader._child.pid


def test_a_healthy_gpu_shows_every_reading(driver: Driver, start: Start) -> None:
    driver.says(
        "count 1",
        "0.name NVIDIA H100",
        "0.utilization 97",
        "0.memory_used 42949672960",
        "0.temperature 61",
        "0.power_mw 620500",
        "0.fan 35",
        "0.throttle 0x45",
        "0.ecc_corrected 3",
        "0.ecc_uncorrected 1",
        "0.processes 4711:1073741824,4712",
        "0.graphics 4713:1048576,4711:1073741824",
    )
    report = until(start(), lambda report: report.gpus)
    assert report.driver == "575.57.08"
    assert report.fault is None
    (gpu,) = report.gpus
    assert (gpu.gpu_index, gpu.name, gpu.fault, gpu.lost) == (0, "NVIDIA H100", None, False)
    assert gpu.uuid.startswith("GPU-")
    assert (gpu.utilization_percent, gpu.temperature_c, gpu.fan_percent) == (97.0, 61.0, 35.0)
    assert (gpu.memory_used_bytes, gpu.memory_total_bytes) == (40 << 30, 80 << 30)
    assert (gpu.power_w, gpu.power_limit_w) == (620.5, 700.0)
    assert (gpu.sm_clock_mhz, gpu.memory_clock_mhz) == (1980, 2619)
    assert gpu.throttle_reasons == ("power cap", "thermal (hardware)")
    assert (gpu.ecc_corrected, gpu.ecc_uncorrected) == (3, 1)
    assert gpu_memory(report) == {4711: 1 << 30, 4712: None, 4713: 1 << 20}


def test_what_a_card_does_not_have_is_none_and_not_zero(driver: Driver, start: Start) -> None:
    driver.says("count 1", "error nvmlDeviceGetTotalEccErrors 3", "error nvmlDeviceGetPowerUsage 4")
    (gpu,) = until(start(), lambda report: report.gpus).gpus
    assert (gpu.fan_percent, gpu.ecc_corrected, gpu.power_w, gpu.xid) == (None, None, None, None)
    assert gpu.fault is None
    assert gpu.utilization_percent == 50.0


def test_eight_gpus_are_listed_in_nvmls_order(driver: Driver, start: Start) -> None:
    driver.says("count 8", *(f"{n}.utilization {n * 10}" for n in range(8)))
    report = until(start(), lambda report: report.gpus)
    assert [gpu.gpu_index for gpu in report.gpus] == list(range(8))
    assert [gpu.utilization_percent for gpu in report.gpus] == [n * 10.0 for n in range(8)]
    assert len({gpu.uuid for gpu in report.gpus}) == 8


def test_without_a_driver_library_no_child_is_started(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.agent.gpu.library_folder", lambda: None)
    reader = start()
    assert reader.poll() == GpuReport()
    assert reader._child is None


@pytest.mark.parametrize("error", [9, 12])
def test_a_library_without_a_driver_is_no_gpu(driver: Driver, start: Start, error: int) -> None:
    if gpu_driver.hardware():
        pytest.skip("this machine has an NVIDIA GPU")
    driver.says("count 1", f"error nvmlInit_v2 {error}")
    reader = start()
    reader.poll()
    pid = child_of(reader)
    eventually(lambda: (reader.poll(0.02), reader._child is None)[1])
    assert reader.poll()._replace(age_s=None) == GpuReport()
    assert not Path(f"/proc/{pid}").exists()


def test_a_driver_of_another_version_is_said(driver: Driver, start: Start) -> None:
    driver.says("count 1", "error nvmlInit_v2 18")
    report = until(start(), lambda report: report.fault)
    assert "different versions" in (report.fault or "")
    assert "reboot" in (report.fault or "")


def test_a_lost_gpu_is_named_and_the_others_go_on(driver: Driver, start: Start) -> None:
    driver.says("count 2")
    reader = start()
    healthy = until(reader, lambda report: len(report.gpus) == 2)
    driver.says("count 2", "1.error 15", "0.utilization 88")
    report = until(reader, lambda report: report.gpus[1].lost)
    assert report.gpus[0].utilization_percent == 88.0
    lost = report.gpus[1]
    assert (lost.uuid, lost.name) == (healthy.gpus[1].uuid, healthy.gpus[1].name)
    assert "lost" in (lost.fault or "")
    assert (lost.utilization_percent, lost.temperature_c) == (None, None)


def test_a_gpu_that_was_lost_before_we_came_is_still_listed(driver: Driver, start: Start) -> None:
    driver.says("count 2", "0.error 15")
    report = until(start(), lambda report: report.gpus)
    assert [gpu.lost for gpu in report.gpus] == [True, False]


def test_a_hung_driver_is_said_and_its_last_values_are_not_shown(
    driver: Driver, start: Start
) -> None:
    driver.says("count 1", "0.utilization 97", "0.processes 4711:1073741824")
    reader = start(late_s=0.3, give_up_s=0.8, retry_s=0.2)
    until(reader, lambda report: report.gpus)
    driver.says("count 1", "hang nvmlDeviceGetTemperature")
    report = until(reader, lambda report: report.fault)
    assert "GPU driver not answering since" in (report.fault or "")
    (gpu,) = report.gpus
    assert gpu.name == "NVIDIA Stand-in 80GB"
    assert (gpu.utilization_percent, gpu.memory_used_bytes, gpu.processes) == (None, None, ())
    assert gpu.fault == "not answering"

    # The silent child is replaced by one other, and what the driver says then is fresh.
    first = child_of(reader)
    eventually(lambda: (reader.poll(), reader._child is None)[1])
    eventually(lambda: (reader.poll(), not Path(f"/proc/{first}").exists())[1])
    driver.says("count 1", "0.utilization 12")
    report = until(reader, lambda report: report.fault is None)
    assert report.gpus[0].utilization_percent == 12.0


def test_a_driver_that_hangs_from_the_first_call_is_said(driver: Driver, start: Start) -> None:
    driver.says("count 1", "hang nvmlInit_v2")
    report = until(start(late_s=0.2), lambda report: report.fault)
    assert "not answering" in (report.fault or "")
    assert report.gpus == ()


def test_polling_a_hung_driver_never_blocks(driver: Driver, start: Start) -> None:
    driver.says("count 1", "hang nvmlInit_v2")
    reader = start(late_s=0.1)
    until(reader, lambda report: report.fault)
    for _ in range(50):  # a poll that waited for the driver would never come back
        assert reader.poll().fault


def test_children_stuck_in_the_kernel_are_not_piled_up(
    driver: Driver, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A process in D state takes no SIGKILL; one that is simply not killed stands in for it.
    spared: list[int] = []
    monkeypatch.setattr("workers.agent.gpu_child.os.kill", lambda pid, _: spared.append(pid))
    driver.says("count 1", "hang nvmlInit_v2")
    reader = start(late_s=0.05, give_up_s=0.1, retry_s=0.01)
    reader.poll()
    eventually(lambda: (reader.poll(), len(reader._stuck) == 2 and reader._child is None)[1])
    for _ in range(40):
        reader.poll()
        time.sleep(0.01)
    assert len(spared) == 2
    monkeypatch.undo()
    for pid in spared:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_a_crash_in_the_library_harms_nobody(driver: Driver, start: Start) -> None:
    driver.says("count 1")
    reader = start(retry_s=0.05)
    until(reader, lambda report: report.gpus)
    driver.says("count 1", "crash nvmlDeviceGetTemperature")
    report = until(reader, lambda report: report.fault)
    assert "crashed" in (report.fault or "")
    assert [(gpu.lost, gpu.utilization_percent) for gpu in report.gpus] == [(False, None)]
    driver.says("count 1", "0.utilization 7")
    report = until(reader, lambda report: report.fault is None)
    assert report.gpus[0].utilization_percent == 7.0


def test_an_xid_event_is_remembered_for_its_gpu(driver: Driver, start: Start) -> None:
    driver.says("count 2")
    reader = start()
    until(reader, lambda report: report.gpus)
    driver.says("count 2", "xid 1:79")
    until(reader, lambda report: report.gpus[1].xid == 79)
    driver.says("count 2")
    time.sleep(0.5)
    report = until(reader, lambda report: report.gpus)
    assert [gpu.xid for gpu in report.gpus] == [None, 79]


def test_the_child_ends_with_the_agent(driver: Driver, start: Start) -> None:
    reader = start()
    until(reader, lambda report: report.gpus)
    assert reader._child is not None
    pid = reader._child.pid
    os.close(reader._child._requests)  # what happens to the pipe when the agent dies
    eventually(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid)
    reader._child = None


@pytest.mark.parametrize("place", ["file", "memory"])
def test_the_child_starts_from_the_pushed_bundle(
    driver: Driver, start: Start, tmp_path: Path, place: str
) -> None:
    data = bundle.build().data
    file = tmp_path / "agent.pyz"
    if place == "file":
        file.write_bytes(data)
        reader = start(source=str(file))
    else:
        held = os.memfd_create("agent")
        os.write(held, data)
        reader = start(source=f"/proc/self/fd/{held}")
    assert until(reader, lambda report: report.gpus).fault is None
    if place == "memory":
        os.close(held)


def test_xid_lines_of_the_kernel_log_are_read_by_pci_place(tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    log.write_text(
        "3,1,1,-;NVRM: Xid (PCI:0000:3b:00): 31, pid=7, MMU fault\n"
        "3,2,2,-;NVRM: Xid (PCI:0000:5e:00): 48, DBE\n"
        "6,3,3,-;eth0: link up\n"
        "3,4,4,-;NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus.\n"
    )
    kernel_log = KernelLog(str(log))
    place = pci_place("00000000:3B:00.0")
    assert place == (0, 0x3B, 0)
    assert kernel_log.last(place) == 79
    assert kernel_log.last((0, 0x5E, 0)) == 48
    assert kernel_log.last((0, 1, 0)) is None
    assert KernelLog(str(tmp_path / "absent")).last(place) is None
    assert pci_place("nonsense") is None
