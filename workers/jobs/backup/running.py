"""Runs a backup: generation after generation, oldest first."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from workers.harness import Worker
from workers.jobs.backup.generations import CONSOLIDATED, read, verify
from workers.jobs.backup.orders import Orders, orders_of, pending
from workers.jobs.backup.upload import record, upload
from workers.jobs.crew import Crew, Skip
from workers.jobs.document import Document
from workers.jobs.errors import Refused
from workers.jobs.parts import Part, Parts
from workers.jobs.plan import byte_text
from workers.jobs.remote.calling import Caller, Progress
from workers.jobs.remote.opening import open_remote
from workers.ledger.manifest import folder_of


def run(worker: Worker, document: Document) -> int | None:
    """Raises WorkerError. One dataset after the other: rclone itself sends several files at once."""
    orders = orders_of(document)
    parts = Parts(worker, orders.parts, "file")
    crew = Crew(worker, replace(document.limits, concurrency=1), parts)
    caller = open_remote(document, crew.check)
    acts = {name: _dataset_act(document, orders, caller, crew, name) for name in orders.datasets}
    crew.work(orders.parts, lambda part: acts[part.name](part))
    crew.finish()
    return None


def _dataset_act(
    document: Document, orders: Orders, caller: Caller, crew: Crew, dataset: str
) -> Callable[[Part], "str | None"]:
    def act(part: Part) -> str | None:
        with one_at_a_time(Path(folder_of(str(orders.root), dataset)), "backup"):
            return _back_up(document, orders, caller, crew, dataset, part)

    return act


def _back_up(
    document: Document, orders: Orders, caller: Caller, crew: Crew, dataset: str, part: Part
) -> str | None:
    store = orders.store(dataset)
    numbers = pending(orders, dataset, caller.address.text)
    if not numbers:
        raise Skip("all generations are backed up")
    size = 0
    for position, number in enumerate(numbers):
        crew.check()
        generation = read(store, number)
        part.say(total=len(generation.files) + 1, done=0, bytes=0, bytes_total=generation.bytes)
        told = f"{generation.name} ({position + 1} of {len(numbers)})"
        part.say(message=f"{told}: compared with its manifest")
        verify(generation, crew.check)
        upload(
            caller,
            generation,
            (dataset, CONSOLIDATED, generation.name),
            _teller(part, f"{told}: sent"),
            _teller(part, f"{told}: read back"),
        )
        record(document, orders.root, dataset, caller.address.text, generation)
        size += generation.bytes + len(generation.manifest)
        part.say(done=len(generation.files) + 1)
    return f"{numbers[0]} to {numbers[-1]}: {byte_text(size)} backed up and read back"


def _teller(part: Part, message: str) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        part.say(
            done=progress.files,
            bytes=progress.bytes,
            rate_bytes_s=progress.rate_bytes_s,
            eta_s=progress.eta_s,
        )
        if part.message != message:
            part.say(message=message)

    return tell


@contextmanager
def one_at_a_time(folder: Path, name: str) -> Iterator[None]:
    """Raises Refused where another job of this name is at work on the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(
        folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
    )
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise Refused(f"{folder}: another {name} is under way; nothing was done") from None
    try:
        yield
    finally:
        os.close(file)
