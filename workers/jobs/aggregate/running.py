"""Runs an aggregation: dataset after dataset, generation after generation."""

from collections.abc import Iterator
from contextlib import contextmanager

from workers.harness import Misconfigured, NoDataYet, Worker
from workers.jobs.aggregate.generation import Made, make
from workers.jobs.aggregate.orders import (
    GENERATION_FILES,
    Task,
    generation_bytes,
    no_room,
    root_of,
    task_of,
)
from workers.jobs.aggregate.planning import nodes_of
from workers.jobs.aggregate.progress import Progress
from workers.jobs.aggregate.sources import in_batches
from workers.jobs.document import Document, Host
from workers.jobs.errors import Interrupted, NoRoom
from workers.jobs.parts import FAILED, PARTIAL
from workers.jobs.reach import asked, reached


def aggregate(worker: Worker, document: Document) -> int | None:
    """Raises WorkerError, OSError. Whatever it ends with, what it said is in the store is there."""
    _require()
    with _locked(document):
        return merge(worker, document)


def merge(worker: Worker, document: Document) -> int | None:
    """The same without keeping others out."""
    tasks = [task_of(document, dataset) for dataset in document.datasets]
    _check_room(document, tasks)
    progress = Progress(worker, document, nodes_of(document, tasks), tasks)
    progress.look_for_nodes()
    try:
        for task in tasks:
            _merge(worker, document, task, progress)
    except Interrupted as why:
        progress.ended(PARTIAL, str(why))
        if worker.ending:
            worker.say(message=str(why))
            return None
        raise
    except Exception as error:
        progress.ended(FAILED, str(error))
        raise
    progress.finish()
    return None


def _merge(worker: Worker, document: Document, task: Task, progress: Progress) -> None:
    for text in task.warnings:
        worker.log(f"warning: {text}")
    for name in task.store.tidy():
        worker.log(f"{task.store.folder}: removed {name}, which a run left that did not end")
    task.ledger.append(task.missing)
    for refusal in task.pending.refused:
        progress.refused(refusal)
    most = generation_bytes(document)
    for batch in in_batches(task.pending.sources, most, GENERATION_FILES):
        if worker.draining:
            raise Interrupted("drained: what is left is for the next run")
        made = make(
            task.store, batch, task.orders, progress.reading, progress.writing, progress.crew.check
        )
        task.ledger.append(made.entries)
        progress.made(task.orders.dataset, made)
        worker.log(_words(task, made))


def _words(task: Task, made: Made) -> str:
    taken = made.taken
    where = "no generation" if made.generation is None else f"generation {made.generation}"
    return (
        f"{task.orders.dataset}: {where}: {taken.new:,} new records, {taken.duplicates:,} duplicates, "
        f"{taken.rejected:,} rejected, {len(made.entries):,} files, {len(made.refused):,} not readable"
    )


def _check_room(document: Document, tasks: list[Task]) -> None:
    for task in tasks:
        text = no_room(task, document.limits.space_fraction)
        if text:
            raise NoRoom(text)


@contextmanager
def _locked(document: Document) -> Iterator[None]:
    """Keeps other jobs out of the destination. Raises Refused where one is in there, or a newer one was."""
    root = root_of(document)
    if not root.exists():
        raise NoDataYet(f"{root}: is not there; nothing was ever synced to it")
    with reached(Host(document.here)) as errand, asked():
        errand.lock(str(root), document.fence, f"{document.job} ({document.by or document.run})")
        yield


def _require() -> None:
    """Raises Misconfigured where a package is missing."""
    try:
        import duckdb  # noqa: F401
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise Misconfigured(
            f"merging needs the package {error.name}: pip install 'quarterdeck[data]'"
        ) from None
