"""What a folder that takes copies is, and what lies in it."""

import os
import shutil
from typing import Any, Dict, List, Tuple

from workers.agent.places import file_system
from workers.errands.below import real_root
from workers.errands.faults import ErrandFailed
from workers.errands.work import Work
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.names import MARKER, OWN, UnsafeName, check_name
from workers.ledger.shapes import KINDS, Damaged, decode

Row = Tuple[str, bool, bool, int, int, str]


def describe(asked: Dict[str, Any]) -> Row:
    """As ``shapes.Destination``; the room is that of the nearest folder that is there."""
    path = real_root(asked["destination"])
    there = path
    while not os.path.isdir(there) and there != "/":
        there = os.path.dirname(there)
    folder = os.open(there, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = os.fstatvfs(folder)
        kind = file_system(folder)
    finally:
        os.close(folder)
    free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    marked = os.path.exists(os.path.join(path, MARKER))
    return path, there == path, marked, free, total, kind


def manifests(asked: Dict[str, Any], work: Work) -> List[str]:
    """Tells every entry of a dataset; gives what was damaged. Raises OSError where one cannot be read."""
    folder = _manifests_of(asked)
    damaged: List[str] = []
    for kind in KINDS:
        offset, more = 0, True
        while more:
            page = Manifest(folder, kind).page(offset, 1 << 20)
            offset, more = page.offset, page.more
            damaged += [f"{kind}: {text}" for text in page.damaged]
            for line in page.lines:
                work.part((kind, line))
    return damaged


def append(asked: Dict[str, Any]) -> None:
    """Adds lines that a job has made."""
    try:
        entries = [decode(asked["kind"], line.encode("ascii")) for line in asked["lines"]]
    except (Damaged, KeyError, UnicodeEncodeError) as error:
        raise ErrandFailed("bad_request", f"no entries: {error}") from None
    Manifest(_manifests_of(asked), asked["kind"]).append(entries)


def clear_staging(asked: Dict[str, Any], destination: str, work: Work) -> int:
    """Removes what a run left; gives the bytes. No link is followed."""
    try:
        check_name(asked["run"], "the run")
    except UnsafeName as error:
        raise ErrandFailed("unsafe_name", str(error)) from None
    top = os.path.join(destination, OWN, "staging", asked["run"])
    freed = 0
    for folder, _, names in os.walk(top):
        work.tick()
        for name in names:
            freed += os.stat(os.path.join(folder, name), follow_symlinks=False).st_size
    if os.path.isdir(top):
        shutil.rmtree(top)
    return freed


def _manifests_of(asked: Dict[str, Any]) -> str:
    try:
        check_name(asked["dataset"], "the dataset")
    except UnsafeName as error:
        raise ErrandFailed("unsafe_name", str(error)) from None
    return folder_of(real_root(asked["destination"]), asked["dataset"])
