"""Whatever the files and the manifests are: never "safe" while a byte is nowhere else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.entries import KEY
from workers.ledger.shapes import Aggregated, BackedUp, DataFile, Synced
from workers.ledger.standing import is_safe, standing

PATHS = st.sampled_from(["a", "b"])
KEYS = st.sampled_from([KEY, "other"])
SMALL = st.integers(0, 3)
HASHES = st.sampled_from(["x", "y"])
KINDS = st.sampled_from(["lines", "shard", "journal", "whole", "sqlite"])
SEALED = st.sampled_from(["", "01"])

FILES = st.builds(
    lambda path, prefix, torn, records, mtime, sealed, kind: DataFile(
        path, prefix + torn, prefix, records, mtime, sealed, kind
    ),
    PATHS, SMALL, st.integers(0, 1), st.none() | SMALL, SMALL, SEALED, KINDS,
)  # fmt: skip
SYNCED = st.builds(
    lambda key, path, size, torn, records, hash_, mtime: Synced(
        "n", key, path, size, records, hash_, mtime, size + torn, 1.0
    ),
    KEYS, PATHS, SMALL, st.integers(0, 1), st.none() | SMALL, HASHES, st.integers(-1, 3),
)  # fmt: skip
AGGREGATED = st.builds(
    lambda key, path, size, hash_, records, generation: Aggregated(
        "n", key, path, size, hash_, records, generation, records, 0, 0, 1.0
    ),
    KEYS, PATHS, SMALL, HASHES, SMALL, SMALL,
)  # fmt: skip
BACKED_UP = st.builds(lambda generation: BackedUp(generation, "r", 1, 1, "h", 1.0), SMALL)


def proven(
    file: DataFile,
    synced: list[Synced],
    aggregated: list[Aggregated],
    backed_up: list[BackedUp] | None,
) -> bool:
    """As the contract says it, in the plainest words, of a file that is not empty."""
    own = [entry for entry in synced if entry.node_key == KEY and entry.path == file.path]
    if not own or file.kind == "journal":
        return False
    entry = own[-1]
    same_time = entry.size == file.size and entry.mtime_ns == file.mtime_ns
    if file.kind == "sqlite":
        covered = same_time
    elif file.kind == "shard" and file.sealed_hash:
        covered = entry.bytes == entry.size == file.size
    else:
        covered = entry.bytes == file.size == file.prefix_bytes and same_time
    fits = [
        each
        for each in aggregated
        if (each.node_key, each.path, each.bytes, each.hash)
        == (KEY, file.path, entry.bytes, entry.hash)
    ]
    if not covered or not fits:
        return False
    if backed_up is None:
        return True
    newest = max([each.generation for each in backed_up], default=-1)
    return any(each.generation <= newest for each in fits)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(FILES, max_size=3, unique_by=lambda file: file.path),
    st.lists(SYNCED, max_size=4),
    st.lists(AGGREGATED, max_size=4),
    st.none() | st.lists(BACKED_UP, max_size=2),
    st.booleans(),
)
def test_never_safe_while_a_byte_is_only_here(
    files: list[DataFile],
    synced: list[Synced],
    aggregated: list[Aggregated],
    backed_up: list[BackedUp] | None,
    wanted: bool,
) -> None:
    found = standing(files, synced, aggregated, backed_up, KEY, "d")
    safe = is_safe([found], ["d"] if wanted else []).safe
    kept = [each for each in files if each.size]
    if wanted:
        all_proven = all(proven(each, synced, aggregated, backed_up or []) for each in kept)
    else:
        all_proven = all(proven(each, synced, aggregated, None) for each in kept)
    if safe:
        assert all_proven
    if all_proven and not (wanted and backed_up is None):
        assert safe
    assert 0 <= found.unsynced_bytes <= found.unaggregated_bytes <= found.produced_bytes
    if found.not_backed_up_bytes is not None:
        assert found.unaggregated_bytes <= found.not_backed_up_bytes <= found.produced_bytes
