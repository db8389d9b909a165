"""A job's hand on one machine: opens the errand program there, asks, and closes it. Blocking; one thread each."""

from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from workers.errands.link import Link
from workers.errands.shapes import (
    Arrival,
    Dataset,
    Destination,
    Hashed,
    Listing,
    Manifests,
    Placed,
    Removal,
    Removed,
    Snapshot,
)
from workers.ledger.shapes import KINDS, DataFile, Entry, decode, encode

BATCH = 500  # files in one request
Progress = Callable[[int, int], None]  # bytes done, bytes in all


class Errand:
    """The errand program of one machine. A context manager; every method raises Unreachable, ErrandFailed."""

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self.name = name
        self.node_key: str = link.hello["node_key"]
        self.hostname: str = link.hello["hostname"]
        self.home: str = link.hello["home"]
        self.python: str = link.hello["python"]

    @classmethod
    def open(cls, host: Mapping[str, Any], name: str) -> "Errand":
        """Starts it. ``host``: an entry of the document's `hosts`; ``ssh`` None is this machine."""
        ssh = host.get("ssh")
        return cls(Link.start(None if ssh is None else list(ssh), name), name)

    def list(self, root: str, datasets: Sequence[Dataset]) -> Listing:
        """The files of these datasets below ``root`` ("" is the home directory)."""
        found: Dict[str, List[DataFile]] = {each.name: [] for each in datasets}

        def part(rows: Any) -> None:
            for row in rows:
                found[row[0]].append(DataFile(*row[1:]))

        asked = [[each.name, list(each.paths), each.method] for each in datasets]
        result = self._link.ask("list", {"root": root, "datasets": asked}, part)
        return Listing(
            self.node_key,
            result["root"],
            result["free_bytes"],
            {name: tuple(files) for name, files in found.items()},
            {name: tuple(texts) for name, texts in result["problems"].items()},
        )

    def hash(
        self,
        root: str,
        wanted: Iterable[Tuple[str, int]],
        progress: Optional[Progress] = None,
    ) -> List[Hashed]:
        """The hash of the first so many bytes of each file, in order; a fault of one file is its own."""
        found: List[Hashed] = []
        for batch in _batches(list(map(list, wanted))):
            rows = self._link.ask("hash", {"root": root, "files": batch}, beat=progress)
            found += [Hashed(*row) for row in rows]
        return found

    def manifests(self, destination: str, dataset: str) -> Manifests:
        """All entries; empty where nothing was synced yet. ErrandFailed where one cannot be read."""
        found: Dict[str, List[Entry]] = {kind: [] for kind in KINDS}

        def part(rows: Any) -> None:
            for kind, line in rows:
                found[kind].append(decode(kind, line.encode("ascii")))

        asked = {"destination": destination, "dataset": dataset}
        damaged = self._link.ask("manifests", asked, part)
        kinds: Dict[str, Any] = {kind: tuple(entries) for kind, entries in found.items()}
        return Manifests(**kinds, damaged=tuple(damaged))

    def append(
        self, destination: str, dataset: str, kind: str, entries: Sequence[Entry], fence: int
    ) -> None:
        """Adds lines to a manifest, durably. The destination must have been locked with this fence."""
        for batch in _batches(list(entries)):
            lines = [encode(entry).decode("ascii") for entry in batch]
            asked = {"destination": destination, "dataset": dataset, "kind": kind, "lines": lines}
            self._link.ask("append", {**asked, "fence": fence})

    def destination(self, path: str) -> Destination:
        """What is known of a folder before anything is sent there."""
        return Destination(*self._link.ask("destination", {"destination": path}))

    def lock(self, destination: str, fence: int, holder: str) -> None:
        """Keeps other jobs out of a destination until ``close``; makes the folder and its marker.

        ErrandFailed "busy" names who is in there, "fenced" says that a newer job has been.
        """
        asked = {"destination": destination, "fence": fence, "holder": holder}
        self._link.ask("lock", asked)

    def place(
        self,
        destination: str,
        dataset: str,
        arrivals: Sequence[Arrival],
        fence: int,
        progress: Optional[Progress] = None,
    ) -> List[Placed]:
        """Verifies what lies in staging, moves it to where it belongs and writes its manifest lines.

        In order; a file that is not what its entry says, or that would replace a larger or newer one, is
        refused by itself. One that lies there already, staged or not, only gets its line.
        """
        found: List[Placed] = []
        for batch in _batches(list(arrivals)):
            rows = [[each.staged, encode(each.entry).decode("ascii")] for each in batch]
            asked = {"destination": destination, "dataset": dataset, "files": rows, "fence": fence}
            found += [Placed(*row) for row in self._link.ask("place", asked, beat=progress)]
        return found

    def remove(
        self, root: str, wanted: Sequence[Removal], progress: Optional[Progress] = None
    ) -> List[Removed]:
        """Removes files that are still exactly what was listed and synced; the others stay, each with why."""
        found: List[Removed] = []
        for batch in _batches(list(map(list, wanted))):
            rows = self._link.ask("remove", {"root": root, "files": batch}, beat=progress)
            found += [Removed(*row) for row in rows]
        return found

    def snapshot_sqlite(
        self, root: str, path: str, run: str, table: str = "", progress: Optional[Progress] = None
    ) -> Snapshot:
        """A consistent copy of a database that may be written to; lies beside it until it is dropped.

        ``table``: whose rows are counted. ErrandFailed "busy" where a writer leaves no gap.
        """
        asked = {"root": root, "path": path, "run": run, "table": table}
        return Snapshot(*self._link.ask("snapshot", asked, beat=progress))

    def drop_snapshot(self, snapshot: Snapshot) -> None:
        """Removes the copy. ``close`` does it too."""
        self._link.ask("drop", {"path": snapshot.path})

    def clear_staging(self, destination: str, run: str, fence: int) -> int:
        """Removes what a run left in staging; gives the bytes that were freed."""
        asked = {"destination": destination, "run": run, "fence": fence}
        return int(self._link.ask("clear", asked))

    def put(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """A small file (at most 8 MiB), there whole or not at all; its folder is made. ``~`` is expanded."""
        import base64

        text = base64.b64encode(data).decode("ascii")
        self._link.ask("put", {"path": path, "data": text, "mode": mode})

    def get(self, path: str) -> bytes:
        """A small file (at most 8 MiB). ErrandFailed "gone" where there is none."""
        import base64

        return base64.b64decode(self._link.ask("get", {"path": path}))

    def close(self) -> None:
        """Ends the program: locks are released, snapshots dropped. May be called again."""
        self._link.close()

    def __enter__(self) -> "Errand":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _batches(items: List[Any]) -> Iterable[List[Any]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
