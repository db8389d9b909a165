"""The code of our own workers on this node: one file for each release, on the worker's PYTHONPATH.

A worker imports from its file as long as it lives, so old ones go late.
"""

import base64
import binascii
import os
import time
from typing import Any, Dict, List, Mapping, Optional, Tuple

from workers.agent.places import open_own_directory
from workers.agent.shelf import digest_of, write_all
from workers.protocol import CodeStored, Failure, StoreCode, Variable, WorkerSpec

FOLDER = "code"
PREFIX = "workers-"
LIMIT_BYTES = 2 * 1024 * 1024
_KEPT, _KEPT_S = 8, 30 * 86_400.0
_HEXADECIMAL = frozenset("0123456789abcdef")


def path_of(node_folder: str, digest: str) -> str:
    """Where a bundle lies, or would."""
    state = os.path.dirname(os.path.dirname(node_folder))
    return os.path.join(state, FOLDER, f"{PREFIX}{digest}.pyz")


def store(message: StoreCode, node_folder: str) -> Any:
    """``CodeStored``, or a Failure. Raises OSError where the disk refuses."""
    if len(message.digest) != 64 or not set(message.digest) <= _HEXADECIMAL:
        return Failure("bad_request", "a bundle is named by its SHA-256")
    path = path_of(node_folder, message.digest)
    if message.pieces and not os.path.isfile(path):
        try:
            data = b"".join(base64.b64decode(piece, validate=True) for piece in message.pieces)
        except (binascii.Error, ValueError):
            return Failure("bad_request", "the bundle is not base64")
        if len(data) > LIMIT_BYTES:
            return Failure(
                "bad_request", f"the bundle has {len(data)} bytes, at most {LIMIT_BYTES}"
            )
        if digest_of(data) != message.digest:
            return Failure("bad_request", "the bundle is not what its name says")
        _keep(path, data)
    return CodeStored(os.path.isfile(path))


def with_code(
    spec: WorkerSpec, node_folder: str, environment: Mapping[str, str]
) -> Tuple[WorkerSpec, Optional[str]]:
    """The run as it finds the code it names, and why it cannot."""
    if not spec.code:
        return spec, None
    path = path_of(node_folder, spec.code)
    if not os.path.isfile(path):
        return spec, "the code of the workers has not come to this node; start it again"
    kept: Dict[str, str] = {each.name: each.value for each in spec.environment}
    before = kept.get("PYTHONPATH", environment.get("PYTHONPATH", ""))
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (path, before)))
    variables = tuple(Variable(name, value) for name, value in kept.items())
    return spec._replace(environment=variables), None


def _keep(path: str, data: bytes) -> None:
    folder = os.path.dirname(path)
    os.close(open_own_directory(folder, None))
    temporary = os.path.join(folder, f".{os.path.basename(path)}.{os.getpid()}.{time.time_ns()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(temporary, flags, 0o600)
    try:
        write_all(file, data)
        os.fsync(file)
        os.rename(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
    finally:
        os.close(file)
    _prune(folder, path)


def _prune(folder: str, newest: str) -> None:
    """Drops what is neither among the newest nor of the last month."""
    found: List[Tuple[float, str]] = []
    for entry in os.scandir(folder):
        if entry.path != newest and entry.is_file(follow_symlinks=False):
            found.append((entry.stat(follow_symlinks=False).st_mtime, entry.path))
    for changed_at, path in sorted(found, reverse=True)[_KEPT - 1 :]:
        if time.time() - changed_at > _KEPT_S:
            os.unlink(path)
