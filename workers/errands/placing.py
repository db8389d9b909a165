"""From staging to where a file belongs: verified, durable, never over something larger or newer.

A batch goes in four steps: each file is verified and made durable where it lies; all are renamed; their
folders are made durable; one append writes the manifest's lines. Killed between any two, a file is at its
place whole or not at all, and no line stands without its file. A file without its line is only read again.
"""

import os
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from workers.errands.arrival import Staged, verify
from workers.errands.below import folder_of, made_folder, sync
from workers.errands.faults import ErrandFailed
from workers.errands.translate import of_os
from workers.errands.work import Work
from workers.ledger.manifest import Manifest
from workers.ledger.manifest import folder_of as manifest_folder
from workers.ledger.names import OWN, UnsafeName, place_of
from workers.ledger.shapes import Damaged, Synced, decode

STAGING = OWN + "/staging/"

Row = Tuple[str, bool, str, str]  # path, placed, code, reason


class _Move(NamedTuple):
    """A verified file. ``staged`` None: it is at its place already."""

    number: int  # of the row
    entry: Synced
    staged: Optional[str]
    final: str


def place_files(asked: Dict[str, Any], destination: str, work: Work) -> List[Row]:
    """One row for each of the files, in order. ``destination`` is absolute and locked by us."""
    batch = _Batch(destination, asked["dataset"], work)
    work.total_bytes = 0
    for staged, line in asked["files"]:
        batch.take(staged, line)
    batch.rename()
    batch.record()
    return batch.rows


class _Batch:
    def __init__(self, destination: str, dataset: str, work: Work) -> None:
        self._destination = destination
        self._dataset = dataset
        self._work = work
        self._moves: List[_Move] = []
        self.rows: List[Row] = []

    def take(self, staged: str, line: str) -> None:
        """Verifies one file and makes it durable where it lies."""
        path = ""
        number = len(self.rows)
        self.rows.append(("", False, "failed", ""))
        try:
            entry = _entry(line)
            path = entry.path
            final = place_of(self._dataset, entry.node, entry.path)
            if not staged.startswith(STAGING):
                raise ErrandFailed("unsafe_name", f"{staged}: not below {STAGING}")
            move = verify(Staged(self._destination, staged, final, entry), self._work)
            self._moves.append(_Move(number, entry, staged if move else None, final))
        except UnsafeName as error:
            self._fail(number, path, ErrandFailed("unsafe_name", str(error)))
        except (ErrandFailed, OSError) as error:
            self._fail(number, path, error)

    def rename(self) -> None:
        """Moves what was verified, and makes the folders durable."""
        moved: List[_Move] = []
        folders: Dict[str, Set[int]] = {}
        for move in self._moves:
            self._work.tick()
            try:
                self._rename(move)
            except (ErrandFailed, OSError) as error:
                self._fail(move.number, move.entry.path, error)
                continue
            moved.append(move)
            folders.setdefault(os.path.dirname(move.final), set()).add(move.number)
        failed: Set[int] = set()
        for folder, numbers in folders.items():
            self._work.tick()
            try:
                with folder_of(self._destination, folder + "/x") as (opened, _):
                    sync(opened)
            except (ErrandFailed, OSError) as error:
                failed |= numbers
                for number in numbers:
                    self._fail(number, folder, error)
        self._moves = [move for move in moved if move.number not in failed]

    def record(self) -> None:
        """Writes the lines of what lies at its place."""
        if not self._moves:
            return
        manifest = Manifest(manifest_folder(self._destination, self._dataset), "synced")
        try:
            manifest.append([move.entry for move in self._moves])
        except (OSError, ValueError) as error:
            for move in self._moves:
                self._fail(move.number, manifest.path, error)
            return
        for move in self._moves:
            self.rows[move.number] = (move.entry.path, True, "", "")

    def _rename(self, move: _Move) -> None:
        if move.staged is None:
            return
        source = folder_of(self._destination, move.staged)
        target = made_folder(self._destination, move.final)
        with source as (old_folder, old), target as (new_folder, new):
            os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder)

    def _fail(self, number: int, path: str, error: Exception) -> None:
        fault = of_os(error, path)
        self.rows[number] = (self.rows[number][0] or path, False, fault.code, fault.text)


def _entry(line: str) -> Synced:
    try:
        entry = decode("synced", line.encode("ascii"))
    except (Damaged, UnicodeEncodeError) as error:
        raise ErrandFailed("bad_request", f"no entry: {error}") from None
    assert isinstance(entry, Synced)
    return entry
