"""What lies in a folder of models now."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from workers.harness import Misconfigured
from workers.jobs.errors import Passing
from workers.jobs.remote.generations import Check, hash_of, safe_path
from workers.jobs.remote.models import CHECKPOINTS, ModelFile, ModelManifest

SMALL_BYTES = 64 * 1024
_CLOCK_TICK_S = 2.0


def look(folder: Path, before: ModelManifest | None, check: Check) -> tuple[ModelFile, ...]:
    """Its files, sorted. What has the size and time it had at the last backup is not read again.

    Raises Misconfigured where there is no such folder, Passing where it changed under our eyes, Interrupted.
    """
    if not folder.is_dir():
        raise Misconfigured(f"{folder}: there is no such folder of models")
    known = {each.path: each for each in before.files} if before else {}
    written_before = int(((before.at if before else 0.0) - _CLOCK_TICK_S) * 1e9)
    try:
        found = [
            _file(folder, path, known, written_before, check) for path in sorted(_paths(folder))
        ]
    except OSError as error:
        raise Passing(
            f"{error.filename}: {error.strerror}: it changed while it was looked at"
        ) from error
    _check_pointers(folder, found)
    return tuple(found)


def sizes_in(folder: Path) -> list[int]:
    """Bytes of each file. Raises Misconfigured, Passing."""
    if not folder.is_dir():
        raise Misconfigured(f"{folder}: there is no such folder of models")
    try:
        return [(folder / path).stat().st_size for path in _paths(folder)]
    except OSError as error:
        raise Passing(
            f"{error.filename}: {error.strerror}: it changed while it was looked at"
        ) from error


def _paths(folder: Path) -> Iterator[str]:
    """Relative. Without hidden and temporary ones, and without links: they lead elsewhere."""
    for place, folders, names in os.walk(folder):
        folders[:] = [
            name for name in folders if not name.startswith(".") and not _link(place, name)
        ]
        for name in names:
            path = os.path.relpath(os.path.join(place, name), folder)
            hidden = name.startswith(".") or name.endswith(".tmp")
            if not hidden and not _link(place, name) and safe_path(path):
                yield path


def _link(place: str, name: str) -> bool:
    return os.path.islink(os.path.join(place, name))


def _file(
    folder: Path, path: str, known: Mapping[str, ModelFile], written_before: int, check: Check
) -> ModelFile:
    """Raises OSError, Interrupted."""
    status = (folder / path).stat()
    before = known.get(path)
    if (
        before is not None
        and (before.bytes, before.mtime_ns) == (status.st_size, status.st_mtime_ns)
        and status.st_mtime_ns < written_before
    ):
        return before
    bare = ModelFile(path, status.st_size, "", status.st_mtime_ns)
    if not bare.fixed and status.st_size <= SMALL_BYTES:
        body = (folder / path).read_bytes()
        digest = hashlib.blake2b(body, digest_size=16).hexdigest()
        return bare._replace(bytes=len(body), hash=digest, body=body)
    return bare._replace(hash=hash_of(folder / path, check))


def _check_pointers(folder: Path, files: list[ModelFile]) -> None:
    """Raises Passing where a pointer names a checkpoint that is not among the files: it came, or went, just now."""
    there = {os.path.dirname(each.path) for each in files if each.fixed}
    for file in files:
        if not file.pointer or file.body is None:
            continue
        home = os.path.dirname(file.path)
        named = file.body.decode("utf-8", "replace").strip()
        checkpoints = os.path.join(home, CHECKPOINTS)
        if (
            any(each.startswith(checkpoints) for each in there)
            and os.path.join(checkpoints, named) not in there
        ):
            raise Passing(
                f"{folder / file.path}: names {named[:60]!r}, which is no checkpoint there now"
            )
