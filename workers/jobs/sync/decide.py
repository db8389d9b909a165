"""Which files travel, decided file by file from a listing and a manifest. Pure.

Never a smaller or older file over a larger or newer one: rsync's own `--update` knows only times.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workers.ledger.names import UnsafeName, check_path
from workers.ledger.shapes import JOURNAL, LINES, SQLITE, WHOLE, DataFile, Synced
from workers.ledger.standing import covering

NEW, GROWN, CHANGED = "new", "grown", "changed"
UNCHANGED, LATER, REFUSED = "unchanged", "later", "refused"
TRAVEL = (NEW, GROWN, CHANGED)
UNSETTLED = "written to just now"


class Step(NamedTuple):
    """What becomes of one file. ``before``: what the manifest has of it; ``reason``: of LATER and REFUSED."""

    file: DataFile
    what: str
    reason: str = ""
    before: Synced | None = None

    @property
    def travels(self) -> bool:
        return self.what in TRAVEL

    @property
    def missing_bytes(self) -> int:
        """What the destination does not have yet."""
        if not self.travels:
            return 0
        known = self.before.bytes if self.before is not None and self.what == GROWN else 0
        return max(0, offered_bytes(self.file) - known)


def decide(files: Sequence[DataFile], newest: Mapping[str, Synced]) -> tuple[Step, ...]:
    """A step for each file, in their order. ``newest``: path → the last synced entry of this machine."""
    return tuple(_step(file, newest.get(file.path)) for file in files)


def offered_bytes(file: DataFile) -> int:
    """What would be synced of it: whole lines, or all."""
    return file.prefix_bytes if file.kind == LINES else file.size


def _step(file: DataFile, before: Synced | None) -> Step:
    try:
        check_path(file.path)
    except UnsafeName as error:
        return Step(file, REFUSED, f"{error}: rename it on the node")
    waits = _waits(file)
    if waits:
        return Step(file, LATER, waits, before)
    if before is None:
        return Step(file, NEW)
    if _proven(file, before):
        return Step(file, UNCHANGED, before=before)
    worse = _worse(file, before)
    if worse:
        return Step(file, REFUSED, worse, before)
    grown = file.kind == LINES and before.bytes < file.prefix_bytes
    return Step(file, GROWN if grown else CHANGED, before=before)


def _waits(file: DataFile) -> str:
    if file.kind == JOURNAL:
        return "an open journal: its shard travels once it is sealed"
    if file.kind == WHOLE and not file.settled:
        return UNSETTLED
    if file.kind == LINES and file.prefix_bytes == 0:
        return "no whole line yet"
    return ""


def _proven(file: DataFile, before: Synced) -> bool:
    proof = covering(file, before)
    return proof.entry is not None and proof.bytes >= offered_bytes(file)


def _worse(file: DataFile, before: Synced) -> str:
    """Why it may not replace what was synced. A database's log comes and goes: its snapshot is measured later."""
    offered = offered_bytes(file)
    if file.kind != SQLITE and offered < before.bytes:
        return (
            f"smaller than what was synced ({offered:,} of {before.bytes:,} bytes): was it cut or rewritten? "
            "the copy stays; rename the file on the node to have it synced as another"
        )
    grown = file.kind == LINES and offered > before.bytes
    if (
        0 <= file.mtime_ns < before.mtime_ns and not grown
    ):  # a clock that went back: the hash decides
        return "older than what was synced: the copy stays; touch it on the node if it is right"
    return ""
