"""One generation from the remote into a folder."""

import shutil
from pathlib import Path

from workers.jobs.document import Limits
from workers.jobs.errors import NoRoom
from workers.jobs.plan import byte_text
from workers.jobs.remote.calling import Caller, Tell
from workers.jobs.remote.generations import Check, StoredFile, numbers_in, parse_manifest
from workers.jobs.remote.listing import content, objects
from workers.jobs.remote.sending import fetch
from workers.jobs.restore.placing import missing, place, write_new
from workers.ledger.names import CONSOLIDATED
from workers.records.consolidated import folder_name, manifest_name

STAGING = ".quarterdeck/staging/restore"


def generations_there(caller: Caller, dataset: str, up_to: int | None) -> list[int]:
    """The numbers of those with a manifest at the remote, ascending. Raises WorkerError."""
    found = numbers_in(each.path for each in objects(caller, dataset, CONSOLIDATED))
    return [number for number in found if up_to is None or number <= up_to]


def fetch_generation(
    caller: Caller,
    folder: Path,
    dataset: str,
    number: int,
    limits: Limits,
    check: Check,
    tell: Tell,
) -> int:
    """Its files and then its manifest; gives the bytes that were fetched. Raises WorkerError, OSError."""
    parts = (dataset, CONSOLIDATED, folder_name(number))
    name = manifest_name(number)
    manifest = content(caller, *parts, name)
    files = parse_manifest(manifest, number, caller.address.object(*parts, name))
    target = folder.joinpath(*parts)
    size = bring(
        caller, files, parts, target, folder / STAGING / "/".join(parts), limits, check, tell
    )
    if not (target / name).exists() or (target / name).read_bytes() != manifest:
        write_new(target / name, manifest)
    return size


def bring(
    caller: Caller,
    files: tuple[StoredFile, ...],
    parts: tuple[str, ...],
    target: Path,
    staging: Path,
    limits: Limits,
    check: Check,
    tell: Tell,
) -> int:
    """The files that are not there yet, through staging; gives their bytes. Raises WorkerError, OSError."""
    wanted = missing(target, files, check)
    size = sum(file.bytes for file in wanted)
    staging.mkdir(parents=True, exist_ok=True)
    _check_room(staging, size, limits)
    if wanted:
        fetch(caller, parts, [file.path for file in wanted], staging, tell)
    for file in wanted:
        check()
        place(staging, target, file, check)
    shutil.rmtree(staging, ignore_errors=True)
    return size


def _check_room(folder: Path, size: int, limits: Limits) -> None:
    free = shutil.disk_usage(folder).free
    if size > free * limits.space_fraction:
        raise NoRoom(
            f"{folder}: {byte_text(size)} would come, more than {limits.space_fraction:.0%} of the "
            f"{byte_text(free)} that are free; nothing was fetched"
        )
