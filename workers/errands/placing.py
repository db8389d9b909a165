"""From staging to where a file belongs: verified, durable, never over something larger or newer.

A batch goes in four steps: the files are verified and made durable where they lie; all are renamed; their
folders are made durable; one append writes the manifest's lines. Killed between any two, a file is at its
place whole or not at all, and no line stands without its file. A file without its line is only read again.
"""

import os
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from workers.errands import durable
from workers.errands.arrival import Staged, verify
from workers.errands.below import Folders
from workers.errands.faults import ErrandFailed
from workers.errands.small_files import write_small
from workers.errands.translate import of_os
from workers.errands.work import Work
from workers.ledger.manifest import Manifest
from workers.ledger.manifest import folder_of as manifest_folder
from workers.ledger.names import NODES, OWN, UnsafeName, place_of
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
    together = durable.is_worth(len(asked["files"]))
    with Folders(destination) as folders:
        batch = _Batch(folders, asked["dataset"], together, work)
        for staged, line in asked["files"]:
            batch.take(staged, line)
        batch.settle()
        batch.rename()
        batch.record()
        return batch.rows


class _Batch:
    def __init__(self, folders: Folders, dataset: str, together: bool, work: Work) -> None:
        self._folders = folders
        self._destination = folders.root
        self._dataset = dataset
        self._together = together
        self._work = work
        self._moves: List[_Move] = []
        self._marked: Set[str] = set()
        self.rows: List[Row] = []

    def take(self, staged: str, line: str) -> None:
        """Verifies one file where it lies."""
        path = ""
        number = len(self.rows)
        self.rows.append(("", False, "failed", ""))
        try:
            entry = _entry(line)
            path = entry.path
            final = place_of(self._dataset, entry.node, entry.path)
            if not staged.startswith(STAGING):
                raise ErrandFailed("unsafe_name", f"{staged}: not below {STAGING}")
            self._mark(entry.node)
            arrival = Staged(self._folders, staged, final, entry, not self._together)
            move = verify(arrival, self._work)
            self._moves.append(_Move(number, entry, staged if move else None, final))
        except UnsafeName as error:
            self._fail(number, path, ErrandFailed("unsafe_name", str(error)))
        except (ErrandFailed, OSError) as error:
            self._fail(number, path, error)

    def settle(self) -> None:
        """Makes durable what is verified and was not made so by itself."""
        if self._together and self._moves:
            self._sync(self._moves)

    def rename(self) -> None:
        """Moves what was verified, and makes the folders durable."""
        moved: List[_Move] = []
        for move in self._moves:
            self._work.tick()
            try:
                self._rename(move)
            except (ErrandFailed, OSError) as error:
                self._fail(move.number, move.entry.path, error)
            else:
                moved.append(move)
        self._moves = moved
        folders = {os.path.dirname(move.final) for move in moved}
        if self._together and durable.is_worth(len(folders)):
            self._sync(moved)
            return
        for folder in sorted(folders):
            self._sync_folder(folder)

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

    def _mark(self, node: str) -> None:
        """Says that the node's folder holds copies, before the first lies there."""
        if node in self._marked:
            return
        path = os.path.join(self._destination, self._dataset, NODES, node)
        if not os.path.exists(path):
            write_small(path, b"", 0o600)
        self._marked.add(node)

    def _sync(self, moves: List[_Move]) -> None:
        """All at once; where that fails, nobody knows which."""
        self._work.tick()
        try:
            durable.sync_together(self._destination)
        except OSError as error:
            self._give_up(moves, self._destination, error)

    def _sync_folder(self, folder: str) -> None:
        self._work.tick()
        try:
            os.fsync(self._folders.of(folder + "/x")[0])
        except (ErrandFailed, OSError) as error:
            lost = [move for move in self._moves if os.path.dirname(move.final) == folder]
            self._give_up(lost, folder, error)

    def _give_up(self, moves: List[_Move], path: str, error: Exception) -> None:
        for move in moves:
            self._fail(move.number, path, error)
        self._moves = [move for move in self._moves if move not in moves]

    def _rename(self, move: _Move) -> None:
        if move.staged is None:
            return
        target, new = self._folders.made(move.final)
        source, old = self._folders.of(move.staged)
        os.rename(old, new, src_dir_fd=source, dst_dir_fd=target)

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
