"""How full the watched disks are. A dead mount blocks a thread and never the agent."""

import os
import time
from typing import Dict, NamedTuple, Optional, Tuple

from workers.agent import mounts
from workers.agent.age import age
from workers.agent.errand import Errand
from workers.protocol import Disk

_READ_ONLY = 1  # ST_RDONLY of statvfs(3)
_SMALLEST_BYTES = 512 * 1024 * 1024  # below it a file system found by ourselves is no data disk
_FIRST_WAIT_S = 0.05
_LATE_S = 3.0
_MOUNTS_EVERY_S = 15.0


class _Figures(NamedTuple):
    path: str  # real
    device: int
    values: "os.statvfs_result"


class DiskReader:
    """Reads a ``Disk`` for each path, or for every local file system of size when there is none.

    Relative paths start at ``root`` ("" is the home directory), ``~`` is expanded. A figure that is
    late is the last one known; later than a few seconds it is a fault and no figure.
    """

    def __init__(self, paths: Tuple[str, ...] = (), root: str = "", proc: str = "/proc") -> None:
        self._named = bool(paths)
        self._paths = tuple(paths)
        self._root = os.path.expanduser(root or "~")
        self._proc = proc
        self._mounts: Tuple[mounts.Mount, ...] = ()
        self._local: Tuple[str, ...] = ()
        self._mounts_at: Optional[float] = None
        self._errands: Dict[str, Errand[_Figures]] = {}
        self._known: Dict[str, Disk] = {}

    def read(self) -> Tuple[Disk, ...]:
        """The disks, in the order of the paths. Waits a few hundredths of a second at most."""
        self._look_at_mounts()
        paths = self._watched()
        for path in paths:
            self._start(path)
        until = time.monotonic() + _FIRST_WAIT_S
        disks = [self._collect(path, until) for path in paths]
        return tuple(disk for disk in disks if self._named or _is_of_size(disk))

    def _look_at_mounts(self) -> None:
        now = time.monotonic()
        if self._mounts_at is None or now - self._mounts_at >= _MOUNTS_EVERY_S:
            self._mounts, self._mounts_at = _mounts(self._proc), now
            local = mounts.local_disks(self._mounts, self._proc)
            self._local = tuple(mount.path for mount in local)

    def _watched(self) -> Tuple[str, ...]:
        return self._paths if self._named else self._local

    def _start(self, path: str) -> None:
        if path not in self._errands:
            place = os.path.join(self._root, os.path.expanduser(path))
            self._errands[path] = Errand(lambda: _look(place))

    def _collect(self, path: str, until: float) -> Disk:
        errand = self._errands[path]
        if not errand.wait(until - time.monotonic()):
            known = self._known.get(path, Disk(path, fault="first reading not done yet"))
            if errand.age_s < _LATE_S:
                return known
            fault = f"file system not answering since {age(errand.age_s)}"
            return Disk(path, known.device, known.file_system, fault=fault)
        del self._errands[path]
        try:
            disk = self._disk(path, errand.result())
        except OSError as error:
            disk = Disk(path, fault=error.strerror or str(error))
        except Exception as error:
            disk = Disk(path, fault=f"{type(error).__name__}: {error}")
        self._known[path] = disk
        return disk

    def _disk(self, path: str, figures: _Figures) -> Disk:
        mount = mounts.containing(self._mounts, figures.path, figures.device)
        values = figures.values
        unit = values.f_frsize or values.f_bsize
        counted = values.f_files > 0  # btrfs and others make inodes as they need them
        return Disk(
            path=path,
            device=mount.source if mount else "",
            file_system=mount.file_system if mount else "",
            total_bytes=values.f_blocks * unit,
            used_bytes=(values.f_blocks - values.f_bfree) * unit,
            available_bytes=values.f_bavail * unit,
            inodes_total=values.f_files if counted else None,
            inodes_used=values.f_files - values.f_ffree if counted else None,
            read_only=bool(values.f_flag & _READ_ONLY),
        )


def _mounts(proc: str) -> Tuple[mounts.Mount, ...]:
    if not os.path.isdir(proc):
        from workers.agent import portable

        return portable.mounts() if portable.available() else ()
    return mounts.read(proc)


def _look(place: str) -> _Figures:
    real = os.path.realpath(place)
    return _Figures(real, os.stat(real).st_dev, os.statvfs(real))


def _is_of_size(disk: Disk) -> bool:
    return disk.fault is not None or (disk.total_bytes or 0) >= _SMALLEST_BYTES
