"""Files from staging to where they belong: verified, durable, and never over another one."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from workers.harness import CorruptData
from workers.jobs.errors import Refused
from workers.jobs.remote.generations import StoredFile, hash_of

Check = Callable[[], None]


def missing(folder: Path, files: Iterable[StoredFile], check: Check) -> list[StoredFile]:
    """Those that are not there yet. Raises Refused where one is there with other bytes."""
    found = []
    for file in files:
        path = folder / file.path
        if not os.path.lexists(path):
            found.append(file)
        elif not _is(path, file, check):
            raise Refused(
                f"{path}: is there with other bytes than the backup's; nothing was replaced: move it away, or "
                "restore into an empty folder"
            )
    return found


def place(staging: Path, folder: Path, file: StoredFile, check: Check) -> None:
    """Raises CorruptData where what came is not what the manifest says; Refused; OSError."""
    staged, path = staging / file.path, folder / file.path
    if not _is(staged, file, check):
        staged.unlink(missing_ok=True)
        raise CorruptData(f"{path}: what the remote gave is not what its manifest says; not placed")
    _flush(staged)
    make_folders(folder, path.parent)
    link_new(staged, path)
    staged.unlink()
    flush_folder(path.parent)


def write_new(path: Path, body: bytes) -> None:
    """A small file that was not there, whole or not at all. Raises Refused where another one is."""
    make_folders(path.parent, path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    draft.write_bytes(body)
    _flush(draft)
    try:
        link_new(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    flush_folder(path.parent)


def link_new(staged: Path, path: Path) -> None:
    """A second name, which cannot replace a first one. Raises Refused, OSError."""
    try:
        os.link(staged, path, follow_symlinks=False)
    except FileExistsError:
        raise Refused(f"{path}: came to be while it was restored; nothing was replaced") from None


def make_folders(top: Path, folder: Path) -> None:
    """Raises Refused where a link stands in for a folder below ``top``: it would lead elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    step = folder
    while step != top and top in step.parents:
        if step.is_symlink():
            raise Refused(
                f"{step}: is a link where a folder is wanted; nothing was restored through it"
            )
        step = step.parent


def _is(path: Path, file: StoredFile, check: Check) -> bool:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size != file.bytes:
            return False
        return hash_of(path, check) == file.hash
    except FileNotFoundError:
        return False


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Makes the names in it durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
