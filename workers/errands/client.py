"""A job's hand on one machine: opens the errand program there, asks, and closes it. Blocking; one thread each."""

from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Type,
    TypeVar,
)

from workers.errands.answers import absolute, field, row_of, texts, words
from workers.errands.faults import ErrandFailed
from workers.errands.link import Link
from workers.errands.listed import Listed
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
    snapshot_name,
)
from workers.ledger.shapes import KINDS, Entry, decode, encode

_SAID = ("problem", "reason")
Row = TypeVar("Row", Hashed, Placed, Removed)
BATCH = 500  # files in one request
Progress = Callable[[int, int], None]  # bytes done, bytes in all


class Errand:
    """The errand program of one machine. A context manager; every method raises Unreachable, ErrandFailed."""

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self.name = name
        self.node_key = words(field(link.hello, "node_key", str, name))
        self.hostname = words(field(link.hello, "hostname", str, name))
        self.home = absolute(field(link.hello, "home", str, name), name)
        self.python = words(field(link.hello, "python", str, name))

    @classmethod
    def open(cls, host: Mapping[str, Any], name: str) -> "Errand":
        """Starts it. ``host``: an entry of the document's `hosts`; ``ssh`` None is this machine."""
        ssh = host.get("ssh")
        link = Link.start(None if ssh is None else list(ssh), name)
        try:
            return cls(link, name)
        except BaseException:
            link.close()
            raise

    def list(self, root: str, datasets: Sequence[Dataset]) -> Listing:
        """The files of these datasets below ``root`` ("" is the home directory)."""
        listed = Listed(self.name, [each.name for each in datasets])
        asked = [[each.name, list(each.paths), each.method] for each in datasets]
        result = self._link.ask("list", {"root": root, "datasets": asked}, listed.take)
        return listed.listing(self.node_key, result)

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
            found += self._rows(Hashed, rows, [path for path, _ in batch])
        return found

    def manifests(self, destination: str, dataset: str) -> Manifests:
        """All entries; empty where nothing was synced yet. ErrandFailed where one cannot be read."""
        found: Dict[str, List[Entry]] = {kind: [] for kind in KINDS}

        def part(rows: Any) -> None:
            try:
                for kind, line in rows:
                    found[kind].append(decode(kind, line.encode("ascii")))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                text = f"{self.name}: {dataset}: no lines of a manifest: {words(error)}"
                raise ErrandFailed("failed", text) from None

        asked = {"destination": destination, "dataset": dataset}
        damaged = self._link.ask("manifests", asked, part)
        kinds: Dict[str, Any] = {kind: tuple(entries) for kind, entries in found.items()}
        return Manifests(**kinds, damaged=texts(damaged))

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
        row = self._link.ask("destination", {"destination": path})
        return row_of(Destination, row, self.name)

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
            answer = self._link.ask("place", asked, beat=progress)
            found += self._rows(Placed, answer, [each.entry.path for each in batch])
        return found

    def remove(
        self, root: str, wanted: Sequence[Removal], progress: Optional[Progress] = None
    ) -> List[Removed]:
        """Removes files that are still exactly what was listed and synced; the others stay, each with why."""
        found: List[Removed] = []
        for batch in _batches(list(map(list, wanted))):
            rows = self._link.ask("remove", {"root": root, "files": batch}, beat=progress)
            found += self._rows(Removed, rows, [each[0] for each in batch])
        return found

    def snapshot_sqlite(
        self, root: str, path: str, run: str, table: str = "", progress: Optional[Progress] = None
    ) -> Snapshot:
        """A consistent copy of a database that may be written to; lies beside it until it is dropped.

        ``table``: whose rows are counted. ErrandFailed "busy" where a writer leaves no gap.
        """
        asked = {"root": root, "path": path, "run": run, "table": table}
        row = self._link.ask("snapshot", asked, beat=progress)
        found = row_of(Snapshot, row, self.name)
        if found.path.rpartition("/")[2] != snapshot_name(path.rpartition("/")[2], run):
            text = f"{self.name}: {words(found.path)!r} is no snapshot of {path}"
            raise ErrandFailed("unsafe_name", text)
        return found._replace(path=absolute(found.path, self.name))

    def drop_snapshot(self, snapshot: Snapshot) -> None:
        """Removes the copy. ``close`` does it too."""
        self._link.ask("drop", {"path": snapshot.path})

    def clear_staging(self, destination: str, run: str, fence: int) -> int:
        """Removes what a run left in staging; gives the bytes that were freed."""
        asked = {"destination": destination, "run": run, "fence": fence}
        return field({"bytes": self._link.ask("clear", asked)}, "bytes", int, self.name)

    def put(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """A small file (at most 8 MiB), there whole or not at all; its folder is made. ``~`` is expanded."""
        import base64

        text = base64.b64encode(data).decode("ascii")
        self._link.ask("put", {"path": path, "data": text, "mode": mode})

    def get(self, path: str) -> bytes:
        """A small file (at most 8 MiB). ErrandFailed "gone" where there is none."""
        import base64

        data = self._link.ask("get", {"path": path})
        try:
            return base64.b64decode(data, validate=True)
        except (TypeError, ValueError):
            raise ErrandFailed("failed", f"{self.name}: {path}: no file came") from None

    def close(self) -> None:
        """Ends the program: locks are released, snapshots dropped. May be called again."""
        self._link.close()

    def _rows(self, shape: Type[Row], rows: Any, paths: Sequence[str]) -> List[Row]:
        """One for each path that was asked about, under that path. Raises ErrandFailed."""
        if type(rows) is not list or len(rows) != len(paths):
            raise ErrandFailed("failed", f"{self.name}: did not answer for each of the files")
        found = [row_of(shape, row, self.name) for row in rows]
        told: List[Row] = []
        for each, path in zip(found, paths):
            said: Dict[str, Any] = {
                key: words(getattr(each, key)) for key in _SAID if hasattr(each, key)
            }
            told.append(each._replace(path=path, **said))
        return told

    def __enter__(self) -> "Errand":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _batches(items: List[Any]) -> Iterable[List[Any]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
