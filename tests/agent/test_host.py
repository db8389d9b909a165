"""Figures of the machine: psutil agrees, and what cannot be read is None."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import psutil
import pytest

from tests.agent.conftest import eventually
from workers.agent import cpu, pressure, users
from workers.agent.host import HostReader, read_memory, read_uptime
from workers.agent.rates import DeviceReader, NetworkReader, parse_devices, parse_interfaces
from workers.protocol import Host, Memory


def test_memory_agrees_with_psutil() -> None:
    oracle, swap = psutil.virtual_memory(), psutil.swap_memory()
    memory = read_memory()
    assert memory.total_bytes == oracle.total
    assert memory.available_bytes == pytest.approx(oracle.available, rel=0.05)
    assert memory.used_bytes == pytest.approx(
        oracle.total - oracle.available, abs=0.05 * oracle.total
    )
    assert memory.cached_bytes == pytest.approx(oracle.cached, rel=0.1, abs=64 << 20)
    assert memory.swap_total_bytes == swap.total
    assert memory.swap_used_bytes == pytest.approx(swap.used, abs=64 << 20)


def test_cpu_shares_agree_with_psutil() -> None:
    reader = cpu.CpuReader()
    assert reader.read(cores=True) == cpu.CpuShares()
    before = psutil.cpu_times()
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        sum(range(1000))
    shares, after = reader.read(cores=True), psutil.cpu_times()
    spent = sum(after[:8]) - sum(before[:8])
    idle = (after.idle + after.iowait) - (before.idle + before.iowait)
    assert shares.busy == pytest.approx(100 * (1 - idle / spent), abs=15)
    assert len(shares.cores) == psutil.cpu_count()
    assert all(0 <= core <= 100 for core in shares.cores)


def test_cpu_arithmetic() -> None:
    before = cpu.parse(b"cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 100 0 100 800 0 0 0 0 0 0\nintr 5\n")
    after = cpu.parse(b"cpu  130 10 120 820 10 5 5 0 99 0\ncpu0 1 0 0 0\nintr 5\n")
    shares = cpu.total(before[b"cpu"], after[b"cpu"])
    assert shares.user == pytest.approx(40)
    assert shares.system == pytest.approx(30)
    assert shares.iowait == pytest.approx(10)
    assert shares.busy == pytest.approx(70)
    # A counter that stepped back, a reading of the same instant: no share is made up.
    assert cpu.total(after[b"cpu"], after[b"cpu"]).busy is None
    assert cpu.total(None, after[b"cpu"]).busy is None
    assert (cpu.total(before[b"cpu0"], after[b"cpu0"]).busy or 0) >= 0


def test_the_second_reading_is_complete() -> None:
    reader = HostReader()
    assert reader.read().cpu_percent is None
    host = eventually(lambda: (found := reader.read(full=True)).cpu_percent is not None and found)
    assert isinstance(host, Host)
    assert host.load is not None
    assert len(host.load) == 3
    assert len(host.core_percents) == psutil.cpu_count()
    assert host.uptime_s == pytest.approx(read_uptime(), abs=5)
    assert {row.interface for row in host.network} <= set(psutil.net_io_counters(pernic=True))


def test_summary_leaves_out_what_only_details_show() -> None:
    reader = HostReader()
    reader.read()
    host = reader.read(full=False)
    assert host.core_percents == ()
    assert "lo" not in {row.interface for row in host.network}
    assert not [row.device for row in host.devices if row.device.startswith("loop")]


def test_network_and_device_rates_are_the_counters_differences(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    network, disks = tmp_path / "net/dev", tmp_path / "diskstats"
    (tmp_path / "block/sda").mkdir(parents=True)
    network.write_text("  eth0: 1000 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0\n")
    disks.write_text("8 0 sda 9 0 100 0 9 0 200 0 0 500 0\n8 1 sda1 9 0 100 0 9 0 200 0 0 500 0\n")
    interfaces = NetworkReader(str(tmp_path))
    devices = DeviceReader(str(tmp_path), str(tmp_path / "block"))
    assert interfaces.read()[0][1:] == (None, None)
    assert devices.read() == (("sda", None, None, None),)
    started = time.monotonic()
    time.sleep(0.05)
    network.write_text("  eth0: 101000 1 0 0 0 0 0 0 500 1 0 0 0 0 0 0\n")
    disks.write_text("8 0 sda 9 0 300 0 9 0 200 0 0 520 0\n")
    received, sent = interfaces.read()[0][1:]
    (device,) = devices.read()
    elapsed = time.monotonic() - started
    assert received is not None
    assert received * elapsed == pytest.approx(100_000, rel=0.2)
    assert sent == 0
    assert device.read_bytes_per_s is not None
    assert device.read_bytes_per_s * elapsed == pytest.approx(200 * 512, rel=0.2)
    assert device.written_bytes_per_s == 0
    assert 0 < (device.busy_percent or 0) <= 100
    # Counters that were reset have no rate; the next reading has one again.
    network.write_text("  eth0: 0 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0\n")
    assert interfaces.read()[0][1:] == (None, None)


def test_an_interface_with_a_colon_keeps_its_name() -> None:
    content = b"Inter-|   Receive\n face |bytes\neth0:1: 7 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n"
    assert parse_interfaces(content) == {"eth0:1": (7, 9)}
    assert parse_devices(b"8 0 sda\n", None) == {}


def test_an_unreadable_proc_is_none_and_never_zero(tmp_path: Path) -> None:
    reader = HostReader(str(tmp_path))
    reader.read()
    host = reader.read(full=True)
    assert host._replace(users=()) == Host()
    assert host.memory == Memory()


def test_an_old_kernel_without_available_memory_says_none(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 1024 kB\nMemFree: 512 kB\n")
    assert read_memory(str(tmp_path)) == Memory(total_bytes=1 << 20)


def test_pressure_is_read_and_its_absence_is_none(tmp_path: Path) -> None:
    assert pressure.read(str(tmp_path)) is None
    folder = tmp_path / "pressure"
    folder.mkdir()
    (folder / "cpu").write_text("some avg10=12.50 avg60=0.62 avg300=0.33 total=3617476\n")
    found = pressure.read(str(tmp_path))
    assert found is not None
    assert found.cpu_some == 12.5
    assert (found.memory_some, found.io_full) == (None, None)
    (folder / "io").write_text(
        "some avg10=1.00 avg60=0 avg300=0 total=1\nfull avg10=0.50 avg60=0 avg300=0 total=1\n"
    )
    found = pressure.read(str(tmp_path))
    assert found is not None
    assert (found.io_some, found.io_full) == (1.0, 0.5)


def _login(kind: int, pid: int, name: str, size: int) -> bytes:
    record = struct.pack("<hxxi32s4s32s", kind, pid, b"pts/0", b"ts/0", name.encode())
    return record.ljust(size, b"\0")


@pytest.mark.parametrize(("machine", "size"), [("x86_64", 384), ("aarch64", 400)])
def test_logins_are_read_from_utmp(machine: str, size: int) -> None:
    content = (
        _login(2, 0, "reboot", size)
        + _login(7, 100, "ada", size)
        + _login(7, 101, "grace", size)
        + _login(8, 102, "gone", size)
    )
    assert users.parse_utmp(content, machine) == [("ada", 100), ("grace", 101)]


def test_only_live_logins_count(tmp_path: Path) -> None:
    import os

    size = 384 if os.uname().machine == "x86_64" else 400
    utmp = tmp_path / "utmp"
    utmp.write_bytes(_login(7, os.getpid(), "ada", size) + _login(7, 2**22 + 5, "left", size))
    assert users.logged_in((str(utmp),)) == ("ada",)


def test_a_directory_service_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    answer = threading.Event()

    def slow(uid: int) -> str:
        answer.wait(20)
        return f"user{uid}"

    monkeypatch.setattr(users, "_name_of", slow)
    names = users.UserNames()
    assert names(0) == "root"
    assert names(4_000_001) == "4000001"
    assert names(4_000_002) == "4000002"
    answer.set()
    eventually(lambda: names(4_000_001) == "user4000001")
    eventually(lambda: names(4_000_002) == "user4000002")
