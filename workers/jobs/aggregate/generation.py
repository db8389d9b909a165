"""One generation: sources in, parts out, the manifest last. Killed anywhere, nothing of it counts."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from workers.jobs.aggregate import duplicates
from workers.jobs.aggregate.duplicates import Resources, Skips
from workers.jobs.aggregate.keys import Keys
from workers.jobs.aggregate.parts import Parts
from workers.jobs.aggregate.rejected import Rejected
from workers.jobs.aggregate.sources import Refusal, Source
from workers.jobs.aggregate.store import Store
from workers.jobs.aggregate.survey import Beat, Survey, Surveyed, refusals
from workers.jobs.aggregate.writing import Taken, Writing, all_of
from workers.ledger.shapes import Aggregated
from workers.records.consolidated import REJECTED, Part, folder_name
from workers.records.disk import hash_of

FORMAT = 1  # of what a row holds
_SHARE = (
    0.5  # of the memory that DuckDB may have; the rest is the process and the rows on their way
)


class Orders(NamedTuple):
    """What is the same for all generations of a run. ``folder`` holds the copies of the dataset's nodes."""

    dataset: str
    folder: Path
    table: str
    run: str
    fence: int
    memory_bytes: int
    threads: int
    part_bytes: int


class Made(NamedTuple):
    """``entries`` say which sources are in the store now; ``generation`` is None where nothing could be read."""

    generation: int | None
    entries: tuple[Aggregated, ...]
    taken: Taken
    refused: tuple[Refusal, ...]


def make(
    store: Store, sources: Sequence[Source], orders: Orders, reading: Beat, writing: Beat,
    check: Callable[[], None],
) -> Made:  # fmt: skip
    """``check`` is called between. Raises OSError, WorkerError, and what these three raise; then the store is
    as it was."""
    generation = store.next_generation
    work = store.work()
    use = Resources(int(orders.memory_bytes * _SHARE), orders.threads, work / "spill")
    keys, skips = work / "keys.parquet", work / "skips.parquet"
    try:
        with Survey(orders.folder, keys, orders.table, reading) as survey:
            for source in sources:
                survey.look(source)
        found = survey.found
        refused = tuple(refusals(found))
        if len(refused) == len(found):
            return Made(None, (), Taken(), refused)
        duplicates.find(keys, found, store.parts(), skips, use, check)
        body = _write(store, generation, found, orders, use, work, writing)
    except BaseException:
        store.drop(generation)
        raise
    finally:
        store.end_work()
    return Made(generation, entries_of(body), all_of(_taken(body)), refused)


def entries_of(manifest: dict[str, Any]) -> tuple[Aggregated, ...]:
    """What a generation's manifest says of its sources, as the ledger keeps it."""
    return tuple(
        Aggregated(
            generation=manifest["generation"], at=manifest["at"], run=manifest["run"],
            fence=manifest["fence"], **source,
        )
        for source in manifest["sources"]
    )  # fmt: skip


def _write(
    store: Store, generation: int, found: Sequence[Surveyed], orders: Orders, use: Resources,
    work: Path, beat: Beat,
) -> dict[str, Any]:  # fmt: skip
    draft = store.draft(generation)
    parts = Parts(draft, orders.part_bytes)
    keys, skips = Keys(work / "keys.parquet"), Skips(work / "skips.parquet")
    with (
        Rejected(draft / REJECTED, f"{folder_name(generation)}.jsonl") as rejected,
        Writing(orders.folder, orders.table, keys, skips, parts, rejected, use, beat) as writing,
    ):
        for surveyed in found:
            writing.take(surveyed)
        taken = writing.finish()
        rejected.finish()
    body = _manifest(store, generation, found, taken, parts.finished, orders)
    if rejected.count:
        size, digest = hash_of(rejected.path)
        path = f"{REJECTED}/{rejected.path.name}"
        body["files"].append({"path": path, "bytes": size, "hash": digest})
        body["rejected"] = {"path": path, "records": rejected.count}
    store.add(body)
    return body


def _manifest(
    store: Store, generation: int, found: Sequence[Surveyed], taken: Sequence[Taken],
    parts: Sequence[Part], orders: Orders,
) -> dict[str, Any]:  # fmt: skip
    rows = sum(part.rows for part in parts)
    return {
        "format": FORMAT,
        "dataset": orders.dataset,
        "generation": generation,
        "at": time.time(),
        "run": orders.run,
        "fence": orders.fence,
        "rows": rows,
        "bytes": sum(part.bytes for part in parts),
        "records_in_store": store.records + rows,
        "parts": [part._asdict() for part in parts],
        "files": [{"path": p.path, "bytes": p.bytes, "hash": p.hash} for p in parts],
        "rejected": None,
        "sources": [
            _source(surveyed, counts)
            for surveyed, counts in zip(found, taken, strict=True)
            if not surveyed.refused
        ],
        "refused": [refusal._asdict() for refusal in refusals(found)],
    }


def _source(surveyed: Surveyed, taken: Taken) -> dict[str, Any]:
    """``records`` are those of all its bytes, also of what was aggregated before."""
    source = surveyed.source
    before = source.earlier.records if source.earlier and surveyed.start else 0
    return {
        "node": source.node,
        "node_key": source.node_key,
        "path": source.path,
        "bytes": source.bytes,
        "hash": source.hash,
        "records": before + surveyed.records,
        **taken._asdict(),
    }


def _taken(manifest: dict[str, Any]) -> list[Taken]:
    return [
        Taken(each["new"], each["duplicates"], each["rejected"]) for each in manifest["sources"]
    ]
