"""The messages about the ledger: the files of a dataset, and the manifests of a destination, in pages."""

from typing import NamedTuple, Optional, Tuple


class ListFiles(NamedTuple):
    """The files of one dataset, sorted by path. Answered by ``FileList``.

    Ask again with ``after``, the ``next`` of the page before, until a page has none.
    """

    paths: Tuple[str, ...]  # as in ``DatasetWatch``
    method: str
    root: str = ""
    after: str = ""
    limit: int = 5000


class FileList(NamedTuple):
    """``problems`` name what could not be listed; they come with the first page."""

    files: Tuple[str, ...] = ()  # each a line of JSON, `workers.ledger.shapes.decode_file`
    next: Optional[str] = None  # None: that was the last page
    problems: Tuple[str, ...] = ()
    node_key: str = ""
    free_bytes: int = 0  # where the root lies


class ReadManifest(NamedTuple):
    """The lines of a manifest from ``offset`` on. Answered by ``ManifestPart``; Failure where it cannot be read."""

    destination: str
    dataset: str
    kind: str  # synced, aggregated, backed_up
    offset: int = 0


class ManifestPart(NamedTuple):
    """Ask again from ``offset`` while ``more``. ``anew``: it is another file now; what was read before is void."""

    lines: Tuple[str, ...] = ()  # whole and checked, `workers.ledger.shapes.decode`
    offset: int = 0
    more: bool = False
    anew: bool = False
    exists: bool = True  # False: nothing was written yet, or the destination is not there
    present: bool = True  # False: the destination itself is not there
    damaged: Tuple[str, ...] = ()
