"""Files that must survive: whole or not at all, private whatever the umask, and the locks between processes.

Every failure is an OSError that carries the path.
"""

import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager
from typing import Any, Iterator, List, Mapping, Optional

from workers.supervisor.sealed import seal

LIMIT_BYTES = 16 * 1024 * 1024  # no state file comes near it
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_POLL_S = 0.02
_RACY_NS = 100_000_000  # the kernel stamps files by the tick, 10 ms at most


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Gives an OSError of a bare descriptor the path it was about."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = path
        raise


def read_file(path: str) -> bytes:
    """The whole content of a plain file, at most ``LIMIT_BYTES``. Raises OSError."""
    file = os.open(path, _READ)
    try:
        with naming(path):
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "not a plain file")
            parts: List[bytes] = []
            wanted = LIMIT_BYTES
            while wanted > 0:
                part = os.read(file, min(wanted, max(found.st_size, 4096)))
                if not part:
                    break
                parts.append(part)
                wanted -= len(part)
            return b"".join(parts)
    finally:
        os.close(file)


def write_atomic(path: str, data: bytes) -> Optional[OSError]:
    """Replaces ``path`` durably: a private temporary file, fsync, rename, fsync of the folder.

    A failed fsync says nothing of what reached the disk, and asking again would be answered with a lie:
    everything is written anew into another file. Gives the failure that this made good, None where there
    was none. Raises OSError; then the old content is still there, or the new one is.
    """
    try:
        _replace(path, data)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        _replace(path, data)
        return error
    return None


def write_sealed(path: str, body: Mapping[str, Any]) -> Optional[OSError]:
    """As ``write_atomic``, for an object under its checksum."""
    return write_atomic(path, seal(body) + b"\n")


def write_fresh(path: str, body: Mapping[str, Any]) -> None:
    """A new sealed file, its content durable; its name is with the next ``sync_folder``. Raises OSError.

    For a folder that nobody looks into yet.
    """
    file = create(path)
    try:
        with naming(path):
            write_all(file, seal(body) + b"\n")
            os.fsync(file)
    finally:
        os.close(file)


def _replace(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        os.unlink(temporary)  # of an earlier process with our number, which died here
    except FileNotFoundError:
        pass
    file = create(temporary)
    try:
        with naming(path):
            write_all(file, data)
            os.fsync(file)
        os.rename(temporary, path)
    except OSError:
        remove_quietly(temporary)
        raise
    finally:
        os.close(file)
    sync_folder(os.path.dirname(path))


def write_plain(path: str, data: bytes) -> None:
    """A fresh private file that need not outlive a crash of the machine. Raises OSError."""
    file = create(path)
    try:
        with naming(path):
            write_all(file, data)
    finally:
        os.close(file)


def create(path: str) -> int:
    """A fresh private file, open for writing. Raises OSError, FileExistsError for whatever has the name."""
    file = os.open(path, _FRESH, 0o600)
    os.fchmod(file, 0o600)
    return file


def write_all(file: int, data: bytes) -> None:
    """Writes all of ``data``, however small the pieces the file takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def make_folder(path: str) -> None:
    """A private folder, durably; one that is there already becomes private. Raises OSError."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    folder = os.open(path, _READ | os.O_DIRECTORY)
    try:
        with naming(path):
            os.fchmod(folder, 0o700)
    finally:
        os.close(folder)
    sync_folder(os.path.dirname(path))


def sync_folder(path: str) -> None:
    """Makes the names in a folder durable. Raises OSError."""
    folder = os.open(path or ".", _READ | os.O_DIRECTORY)
    try:
        with naming(path):
            os.fsync(folder)
    finally:
        os.close(folder)


def is_settled(found: os.stat_result) -> bool:
    """False so shortly after a change that the next one may leave the same times on the file."""
    return abs(time.time_ns() - found.st_mtime_ns) > _RACY_NS


def remove_quietly(path: str) -> None:
    """Removes a file; one that cannot be removed stays."""
    try:
        os.unlink(path)
    except OSError:
        pass


def set_aside(path: str) -> Optional[str]:
    """Keeps a copy of a damaged file beside it as ``NAME.damaged-N``; its path, None where it failed."""
    try:
        content = read_file(path)
        for number in range(1, 10):
            copy = f"{path}.damaged-{number}"
            if os.path.lexists(copy):
                continue
            write_atomic(copy, content)
            return copy
    except OSError:
        pass
    return None


def try_lock(path: str) -> Optional[int]:
    """The lock file, locked for this process and those it forks; None while another holds it.

    ``flock`` and never a POSIX lock, which vanishes with any close of the file. The descriptor does not
    pass an exec. Raises OSError.
    """
    while True:
        file = os.open(path, LOCK, 0o600)
        try:
            with naming(path):
                os.fchmod(file, 0o600)
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_still(path, file):
                    return file
        except BlockingIOError:
            os.close(file)
            return None
        except OSError:
            os.close(file)
            raise
        os.close(file)  # somebody removed the file between open and lock


def lock_opened(path: str, file: int, patience_s: float) -> bool:
    """Locks a lock file that is open, for all who share it; a lock that one of them has is kept.

    False while another holds it, and where it is not the file at ``path`` any more. Raises OSError.
    """
    deadline = time.monotonic() + patience_s
    with naming(path):
        os.fchmod(file, 0o600)
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return _is_still(path, file)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
            time.sleep(_POLL_S)


def wait_lock(path: str, patience_s: float) -> Optional[int]:
    """As ``try_lock``, asked again for some time: others hold a lock for an instant to see if it is free."""
    deadline = time.monotonic() + patience_s
    while True:
        file = try_lock(path)
        if file is not None or time.monotonic() >= deadline:
            return file
        time.sleep(_POLL_S)


def is_locked(path: str) -> bool:
    """True while another process holds the lock. False where there is no lock file. Raises OSError."""
    try:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _is_still(path: str, file: int) -> bool:
    ours = os.fstat(file)
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)
