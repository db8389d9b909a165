"""The destination of a sync: one errand, one lock, one truth about what it holds."""

import posixpath
import threading
from collections.abc import Sequence

from workers.errands.client import Errand
from workers.errands.shapes import Arrival, Destination, Manifests, Placed
from workers.jobs.document import Document
from workers.jobs.errors import NoRoom
from workers.jobs.plan import byte_text
from workers.jobs.reach import asked
from workers.ledger.shapes import Synced
from workers.ledger.standing import newest_synced

STAGING = ".quarterdeck/staging"


class Target:
    """May be used by the threads of all nodes; its errand answers one of them at a time."""

    def __init__(self, document: Document, errand: Errand, locked: bool) -> None:
        """``locked``: until the errand is closed. Raises Refused where another job is in there, or a newer one
        has been; WorkerError where the manifests cannot be read."""
        self._document = document
        self._errand = errand
        self._mutex = threading.Lock()
        self.node_key = errand.node_key
        self._synced: dict[str, list[Synced]] = {}
        if locked:
            self._lock()
        self.place_now: Destination = self._look()
        self.damaged: tuple[str, ...] = self._read()

    @property
    def path(self) -> str:
        """Absolute, links resolved."""
        return self.place_now.path

    def _lock(self) -> None:
        holder = f"{self._document.job} {self._document.run} by {self._document.by}"
        with self._mutex, asked():
            self._errand.lock(self._document.destination.path, self._document.fence, holder)

    def staging(self, node: str, dataset: str, part: str) -> str:
        """Where files of a node arrive, relative to the destination. The same for each run of the job, so that
        one goes on where another was killed."""
        return posixpath.join(STAGING, self._document.job, node, dataset, part)

    def newest(self, dataset: str, node_key: str) -> dict[str, Synced]:
        """Path → what is known to lie here of this machine's files."""
        with self._mutex:
            return newest_synced(self._synced.get(dataset, ()), node_key)

    def place(self, dataset: str, arrivals: Sequence[Arrival]) -> list[Placed]:
        """Verified, renamed, and in the manifest; what was refused says why. Raises WorkerError."""
        with self._mutex, asked():
            placed = self._errand.place(self.path, dataset, arrivals, self._document.fence)
            good = {each.path for each in placed if each.placed}
            entries = [each.entry for each in arrivals if each.entry.path in good]
            self._synced.setdefault(dataset, []).extend(entries)
        return placed

    def make_folder(self, path: str) -> None:
        """A folder of staging, where rsync here cannot make it: a small file is put into it."""
        with self._mutex, asked():
            self._errand.put(posixpath.join(self.path, path, ".quarterdeck"), b"")

    def clear(self) -> None:
        """Removes what is left in staging of this job."""
        with self._mutex, asked():
            self._errand.clear_staging(self.path, self._document.job, self._document.fence)

    def no_room(self, wanted_bytes: int) -> str:
        """Why so many bytes may not arrive; "" where they may."""
        free, fraction = self.place_now.free_bytes, self._document.limits.space_fraction
        if wanted_bytes <= free * fraction:
            return ""
        return (
            f"{self.path} on {self._document.destination.node}: {byte_text(wanted_bytes)} would arrive, "
            f"{byte_text(free)} are free, of which {fraction:.0%} may be used (space_fraction): "
            "make room, or choose another destination"
        )

    def check_room(self, wanted_bytes: int) -> None:
        """Raises NoRoom, exit code 6."""
        reason = self.no_room(wanted_bytes)
        if reason:
            raise NoRoom(reason)

    def _look(self) -> Destination:
        with self._mutex, asked():
            return self._errand.destination(self._document.destination.path)

    def _read(self) -> tuple[str, ...]:
        damaged: list[str] = []
        for dataset in self._document.datasets:
            with self._mutex, asked():
                found: Manifests = self._errand.manifests(self.path, dataset.name)
            self._synced[dataset.name] = list(found.synced)
            damaged += [f"manifest of {dataset.name}: {each}" for each in found.damaged]
        return tuple(damaged)
