"""What goes to an errand and what comes back. Paths of nodes are as listed: relative to the root, or absolute."""

from typing import Dict, NamedTuple, Optional, Tuple

from workers.ledger.shapes import Aggregated, BackedUp, DataFile, Synced


class Dataset(NamedTuple):
    name: str
    paths: Tuple[str, ...]  # globs, relative to the root
    method: str  # as `count` of the settings: lines, shards, sqlite:TABLE, parquet, files


class Listing(NamedTuple):
    """``problems`` name what could not be listed, a dataset's own; then its files are not all there is."""

    node_key: str
    root: str  # as it is, links resolved
    free_bytes: int  # where the root lies
    files: Dict[str, Tuple[DataFile, ...]]  # dataset → files, sorted by path
    problems: Dict[str, Tuple[str, ...]]


class Hashed(NamedTuple):
    path: str
    hash: str = ""  # blake2b-128 of the bytes that were asked for
    problem: str = ""


class Manifests(NamedTuple):
    """Of one dataset at a destination. ``damaged`` names lines that were skipped."""

    synced: Tuple[Synced, ...] = ()
    aggregated: Tuple[Aggregated, ...] = ()
    backed_up: Tuple[BackedUp, ...] = ()
    damaged: Tuple[str, ...] = ()


class Arrival(NamedTuple):
    """A file that lies in staging: ``staged`` relative to the destination, below ``.quarterdeck/staging``."""

    staged: str
    entry: Synced


class Placed(NamedTuple):
    path: str
    placed: bool
    code: str = ""  # as of ErrandFailed, where it was not placed
    reason: str = ""


class Removal(NamedTuple):
    """A file that may be removed if it is still exactly this one."""

    path: str
    size: int
    mtime_ns: int
    hash: str  # blake2b-128 of all of it


class Removed(NamedTuple):
    path: str
    removed: bool
    bytes: int = 0  # that were freed
    code: str = ""
    reason: str = ""


class Snapshot(NamedTuple):
    """A consistent copy of a database, to be fetched and then dropped. Size and time are those of the source."""

    path: str  # absolute, on the node
    bytes: int
    hash: str
    records: Optional[int]
    size: int
    mtime_ns: int  # -1: it was written to while it was copied


def snapshot_name(database: str, run: str) -> str:
    """What the copy of a database is called, in the database's folder."""
    return f".{database}.{run}.quarterdeck.tmp"


class Destination(NamedTuple):
    """What is known of a folder that takes copies."""

    path: str  # absolute, links resolved
    exists: bool
    marked: bool  # it has our marker: it is the folder it was, and not an empty mount point
    free_bytes: int
    total_bytes: int
    file_system: str
