"""Small files, read and written whole."""

import base64
import os
import secrets
import stat
from typing import Any, Dict, List

from workers.errands.faults import ErrandFailed

LIMIT_BYTES = 8 * 1024 * 1024
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def read_small(path: str) -> bytes:
    """Raises OSError, ErrandFailed for what is no file or too large."""
    file = os.open(path, _READ)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise ErrandFailed("unsafe_name", f"{path}: not a regular file")
        if status.st_size > LIMIT_BYTES:
            text = f"{path}: {status.st_size} bytes, at most {LIMIT_BYTES}"
            raise ErrandFailed("bad_request", text)
        parts: List[bytes] = []
        while True:
            piece = os.read(file, 1 << 20)
            if not piece:
                return b"".join(parts)
            parts.append(piece)
    finally:
        os.close(file)


def write_small(path: str, data: bytes, mode: int) -> None:
    """There whole or not at all; its folder is made. Raises OSError."""
    folder, name = os.path.split(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    draft = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.tmp")
    file = os.open(draft, _WRITE, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        os.fchmod(file, mode)
        os.fsync(file)
        os.rename(draft, path)
    except BaseException:
        os.unlink(draft)
        raise
    finally:
        os.close(file)
    _sync(folder)


def put(asked: Dict[str, Any]) -> None:
    data = base64.b64decode(asked["data"])
    if len(data) > LIMIT_BYTES:
        raise ErrandFailed("bad_request", f"{len(data)} bytes, at most {LIMIT_BYTES}")
    write_small(_absolute(asked["path"]), data, int(asked["mode"]) & 0o777)


def get(asked: Dict[str, Any]) -> str:
    return base64.b64encode(read_small(_absolute(asked["path"]))).decode("ascii")


def _absolute(path: str) -> str:
    return os.path.join(os.path.expanduser("~"), os.path.expanduser(path))


def _sync(folder: str) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
