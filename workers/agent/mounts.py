"""The mounted file systems, as /proc/self/mountinfo lists them; see proc_pid_mountinfo(5)."""

import os
from typing import Dict, List, NamedTuple, Optional, Tuple

from workers.machine import procfs

# Of a disk although the kernel calls them "nodev", because they bring their own block devices.
_OWN_DEVICES = ("zfs", "btrfs", "bcachefs", "ubifs")
_IMAGES = ("squashfs", "iso9660", "udf", "erofs", "cramfs")


class Mount(NamedTuple):
    device_number: Tuple[int, int]
    root: str  # the part of the file system that is seen here; "/" is all of it
    path: str
    file_system: str
    source: str


def read(proc: str = "/proc") -> Tuple[Mount, ...]:
    """Every mount of this process; empty where the list cannot be read."""
    found: List[Mount] = []
    for line in (procfs.read(proc + "/self/mountinfo") or b"").splitlines():
        before, dash, after = line.decode("utf-8", "surrogateescape").partition(" - ")
        words, rest = before.split(" "), after.split(" ")
        major, colon, minor = [*words, "", "", ""][2].partition(":")
        if dash and colon and len(words) >= 6 and len(rest) >= 2:
            number = (int(major), int(minor))
            found.append(
                Mount(number, _plain(words[3]), _plain(words[4]), rest[0], _plain(rest[1]))
            )
    return tuple(found)


def local_disks(mounts: Tuple[Mount, ...], proc: str = "/proc") -> Tuple[Mount, ...]:
    """One mount of each file system that lies on a disk of this machine, shortest path first.

    Memory, network, overlay and image file systems are left out. Where nothing is left (a
    container), the root is taken.
    """
    nodev = _nodev_types(proc)
    chosen: Dict[Tuple[int, int], Mount] = {}
    for mount in sorted(mounts, key=lambda mount: (mount.root != "/", len(mount.path))):
        if is_local_disk(mount, nodev):
            chosen.setdefault(mount.device_number, mount)
    if not chosen:
        return tuple(mount for mount in mounts if mount.path == "/")[-1:]
    return tuple(sorted(chosen.values(), key=lambda mount: mount.path))


def is_local_disk(mount: Mount, nodev: Tuple[str, ...]) -> bool:
    """Whether the mount is a directory on a disk of this machine."""
    name = mount.file_system
    if name in _IMAGES or name.startswith("fuse"):
        return name == "fuseblk"
    return name in _OWN_DEVICES or name not in nodev


def containing(mounts: Tuple[Mount, ...], path: str, device: int) -> Optional[Mount]:
    """The mount that ``path`` (real, absolute) lies on; ``device`` is its ``st_dev``."""
    number = (os.major(device), os.minor(device))
    inside = [mount for mount in mounts if _is_under(path, mount.path)]
    # The last of the deepest covers those mounted before it. btrfs subvolumes have numbers of
    # their own, so the number only decides where it decides anything.
    same = [mount for mount in inside if mount.device_number == number]
    deepest = sorted(same or inside, key=lambda mount: len(mount.path))
    return deepest[-1] if deepest else None


def _is_under(path: str, folder: str) -> bool:
    return folder == "/" or path == folder or path.startswith(folder + "/")


def _nodev_types(proc: str) -> Tuple[str, ...]:
    lines = (procfs.text(proc + "/filesystems") or "").splitlines()
    listed = tuple(
        line.split()[1] for line in lines if line.startswith("nodev") and line.split()[1:]
    )
    # A file system that is not in the list at all is one of ours only by name.
    return (*listed, "overlay", "tmpfs", "nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "9p")


def _plain(text: str) -> str:
    """The path behind mountinfo's octal escapes for blank, tab, newline and backslash."""
    if "\\" not in text:
        return text
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
