"""The bundles kept on a node: each named by its hash, checked before every use.

A bundle is used through the very file descriptor that was checked, and stays locked while anything runs
from it. Travels with the second stage of the start.
"""

import os
from typing import Any, List, Optional

from workers.agent.places import open_own_directory

PRUNE_AFTER_S = 86_400.0


def digest_of(data: bytes) -> str:
    """SHA-256 in hexadecimal, without loading OpenSSL where the interpreter has its own."""
    try:
        from _sha2 import sha256  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        try:
            from _sha256 import sha256  # type: ignore[import-not-found,no-redef,unused-ignore]
        except ImportError:
            from hashlib import sha256  # type: ignore[assignment,unused-ignore]
    return str(sha256(data).hexdigest())


class Shelf:
    """The folder of bundles under the state directory; every file there is named by its hash."""

    def __init__(self, state: int) -> None:
        self._directory = open_own_directory("agents", state)

    def take(self, digest: str, size: int, problems: List[str]) -> Optional[int]:
        """The checked bundle as a locked file descriptor, or None. One with a wrong hash is removed."""
        name = f"agent-{digest}.pyz"
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            bundle = os.open(name, flags, dir_fd=self._directory)
        except FileNotFoundError:
            return None
        except OSError as error:
            problems.append(f"{name} cannot be opened ({error.strerror})")
            self._remove(name)
            return None
        if not _is_plain(bundle, size) or digest_of(_read_all(bundle)) != digest:
            problems.append(f"{name} was not what its name says and was removed")
            os.close(bundle)
            self._remove(name)
            return None
        _lock(bundle, shared=True)
        try:
            os.utime(bundle)
        except OSError:
            pass
        return bundle

    def put(self, digest: str, data: bytes) -> None:
        """Stores a bundle for good: private, synced, never over another file. Raises OSError."""
        name = f"agent-{digest}.pyz"
        temporary = f".{name}.{os.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(temporary, flags, 0o600, dir_fd=self._directory)
        try:
            os.fchmod(file, 0o600)
            write_all(file, data)
            os.fsync(file)
            self._publish(temporary, name)
        except OSError:
            self._remove(temporary)
            raise
        finally:
            os.close(file)
        os.fsync(self._directory)

    def _publish(self, temporary: str, name: str) -> None:
        folder = self._directory
        try:
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:  # another agent was faster, with the same bytes
            self._remove(temporary)
        except OSError:  # a file system without hard links
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            self._remove(temporary)

    def prune(self, keep: str) -> None:
        """Removes bundles unused for a day from which nothing runs, and leftovers of broken stores."""
        import time

        for name in os.listdir(self._directory):
            if not name.startswith(("agent-", ".agent-")) or keep in name:
                continue
            try:
                file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self._directory)
            except OSError:
                continue
            if time.time() - os.fstat(file).st_mtime > PRUNE_AFTER_S and _lock(file, shared=False):
                self._remove(name)
            os.close(file)

    def _remove(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._directory)
        except OSError:
            pass


def _is_plain(file: int, size: int) -> bool:
    import stat

    found = os.fstat(file)
    owned = found.st_uid == os.geteuid()
    return owned and stat.S_ISREG(found.st_mode) and found.st_size == size


def _lock(file: int, shared: bool) -> bool:
    try:
        import fcntl

        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def nameless(data: bytes) -> int:
    """The bundle in memory, or in a file without a name. Raises OSError."""
    attempts: List[Any] = (
        [lambda: os.memfd_create("quarterdeck-agent")] if hasattr(os, "memfd_create") else []
    )
    for folder in ("/dev/shm", "/var/tmp", "/tmp"):  # noqa: S108  (no name is made there)
        if hasattr(os, "O_TMPFILE"):
            attempts.append(lambda folder=folder: os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600))
    for attempt in attempts:
        try:
            file = int(attempt())
            write_all(file, data)
            return file
        except OSError:
            continue
    raise OSError("no place for the agent: neither a state directory nor memory can hold it")


def _read_all(file: int) -> bytes:
    parts: List[bytes] = []
    while True:
        piece = os.read(file, 1 << 20)
        if not piece:
            return b"".join(parts)
        parts.append(piece)


def write_all(file: int, data: bytes) -> None:
    """Writes all of ``data``, however small the pieces the file takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
