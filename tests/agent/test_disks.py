"""Watched disks: figures as df has them, faults in words, a dead mount blocks nobody."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import psutil
import pytest

from tests.agent.conftest import eventually, run_apart
from workers.agent import disks, mounts
from workers.agent.disks import DiskReader
from workers.agent.mounts import Mount
from workers.protocol import Disk


def settled(reader: DiskReader) -> tuple[Disk, ...]:
    """A reading in which every disk has answered."""
    found: tuple[Disk, ...] = ()

    def answered() -> bool:
        nonlocal found
        found = reader.read()
        return not [disk for disk in found if disk.fault and "not done yet" in disk.fault]

    eventually(answered)
    return found


def test_a_configured_path_has_the_figures_of_its_file_system(tmp_path: Path) -> None:
    (disk,) = settled(DiskReader((str(tmp_path),)))
    oracle, facts = psutil.disk_usage(str(tmp_path)), os.statvfs(tmp_path)
    assert disk.path == str(tmp_path)
    assert disk.total_bytes == oracle.total
    assert disk.available_bytes == pytest.approx(oracle.free, abs=256 << 20)
    assert disk.used_bytes == pytest.approx(oracle.used, abs=256 << 20)
    assert disk.inodes_total == (facts.f_files or None)
    assert disk.file_system
    assert (disk.read_only, disk.fault) == (False, None)


def test_paths_are_relative_to_the_root_and_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    reader = DiskReader(("data", "absent"), root=str(tmp_path))
    data, absent = settled(reader)
    assert (data.path, data.fault) == ("data", None)
    assert (absent.path, absent.fault) == ("absent", "No such file or directory")
    assert absent.total_bytes is None


def test_without_paths_every_local_file_system_of_size_is_listed_once() -> None:
    found = settled(DiskReader())
    assert found
    assert len({disk.device for disk in found}) == len(found)
    assert not {disk.file_system for disk in found} & {"tmpfs", "proc", "sysfs", "squashfs"}


def test_a_dead_mount_is_a_fault_and_blocks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead, real = threading.Event(), disks._look

    def look(place: str) -> object:
        if place.endswith("dead"):
            dead.wait(30)
        return real(place)

    (tmp_path / "dead").mkdir()
    monkeypatch.setattr(disks, "_look", look)
    monkeypatch.setattr(disks, "_LATE_S", 0.2)
    reader = DiskReader(("dead", "."), root=str(tmp_path))
    before = threading.active_count(), len(os.listdir("/proc/self/task"))
    eventually(lambda: (reader.read()[0].fault or "").startswith("file system not answering since"))
    for _ in range(5):
        stuck, alive = reader.read()
    assert stuck.total_bytes is None
    assert alive.total_bytes
    # One thread waits on the dead mount, however often it was asked.
    assert len(os.listdir("/proc/self/task")) <= before[1] + 2
    dead.set()
    eventually(lambda: reader.read()[0].fault is None)


MOUNTINFO = r"""22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 0:5 / /dev rw - devtmpfs devtmpfs rw
31 22 254:16 / /data\040one rw - xfs /dev/vdb1 rw
32 22 254:16 / /mnt/again rw - xfs /dev/vdb1 rw
33 22 254:0 /home /chroot/home rw - ext4 /dev/vda rw
34 22 0:44 / /scratch rw - nfs4 server:/scratch rw
35 22 0:45 / /mnt/fuse rw - fuse.sshfs host:/ rw
36 22 7:1 / /snap/core rw - squashfs /dev/loop1 ro
37 22 0:46 / /pool rw - zfs tank/data rw
38 22 0:47 / /run/overlay rw - overlay overlay rw
"""


@pytest.fixture
def proc(tmp_path: Path) -> str:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text(MOUNTINFO)
    types = "nodev\tnfs4\nnodev\tdevtmpfs\nnodev\toverlay\nnodev\tzfs\n\text4\n\txfs\n\tsquashfs\n"
    (tmp_path / "filesystems").write_text(types)
    return str(tmp_path)


def test_local_disks_are_chosen_from_all_mounts(proc: str) -> None:
    found = mounts.local_disks(mounts.read(proc), proc)
    assert [mount.path for mount in found] == ["/", "/data one", "/pool"]


def test_a_container_without_a_disk_of_its_own_shows_its_root(proc: str) -> None:
    only = (Mount((0, 47), "/", "/", "overlay", "overlay"), Mount((0, 5), "/", "/dev", "tmpfs", ""))
    assert mounts.local_disks(only, proc) == only[:1]


def test_the_mount_of_a_path_is_the_deepest_one(proc: str) -> None:
    all_mounts = mounts.read(proc)
    device = os.makedev(254, 16)
    found = mounts.containing(all_mounts, "/mnt/again/x", device)
    assert found is not None
    assert found.path == "/mnt/again"
    assert mounts.containing(all_mounts, "/scratchy", os.makedev(254, 0)) == all_mounts[0]


READ_ONLY = """
from workers.agent.disks import DiskReader
import time
reader = DiskReader(("/mnt",))
until = time.monotonic() + 10
while True:
    disk = reader.read()[0]
    if disk.total_bytes is not None or time.monotonic() > until:
        break
print(disk.read_only, disk.inodes_total, disk.file_system)
"""


@pytest.mark.root
def test_a_read_only_file_system_says_so() -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    mount = 'mount -t tmpfs -o ro,size=1m,nr_inodes=99 none /mnt && exec "$@"'
    before = ("unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh")
    try:
        said = run_apart(READ_ONLY, "/usr/bin/python3", *before)
    except (FileNotFoundError, subprocess.SubprocessError) as error:
        pytest.skip(f"cannot mount here: {error}")
    assert said.split() == ["True", "99", "tmpfs"]
