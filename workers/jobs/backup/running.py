"""Runs a backup: generation after generation, oldest first."""

from dataclasses import replace
from pathlib import Path

from workers.harness import Worker
from workers.jobs.backup.model_upload import back_up_models
from workers.jobs.backup.orders import Orders, orders_of, pending
from workers.jobs.backup.upload import record, upload
from workers.jobs.crew import Act, Crew, Skip
from workers.jobs.document import Document
from workers.jobs.exclusive import one_at_a_time
from workers.jobs.parts import Part, Parts
from workers.jobs.plan import amount, byte_text
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.generations import read, verify
from workers.jobs.remote.models import model_part
from workers.jobs.remote.opening import open_remote
from workers.jobs.remote.telling import teller
from workers.jobs.room import room
from workers.ledger.manifest import folder_of
from workers.ledger.names import CONSOLIDATED


def run(worker: Worker, document: Document) -> int | None:
    """Raises WorkerError. One dataset after the other: rclone itself sends several files at once."""
    orders = orders_of(document)
    parts = Parts(worker, orders.parts, "file")
    crew = Crew(worker, replace(document.limits, concurrency=1), parts)
    caller = open_remote(document, crew.check)
    acts = {name: _dataset_act(document, orders, caller, crew, name) for name in orders.datasets}
    for name, folder in orders.models.items():
        acts[model_part(name)] = _model_act(document, caller, crew, name, folder)

    def act(part: Part) -> str | None:
        with room():
            return acts[part.name](part)

    crew.work(orders.parts, act)
    crew.finish()
    worker.say(message=parts.text())
    return None


def _dataset_act(
    document: Document, orders: Orders, caller: Caller, crew: Crew, dataset: str
) -> Act:
    def act(part: Part) -> str | None:
        with one_at_a_time(Path(folder_of(str(orders.root), dataset)), "backup"):
            return _back_up(document, orders, caller, crew, dataset, part)

    return act


def _model_act(document: Document, caller: Caller, crew: Crew, name: str, folder: Path) -> Act:
    return lambda part: back_up_models(caller, crew, name, folder, document.run, part)


def _back_up(
    document: Document, orders: Orders, caller: Caller, crew: Crew, dataset: str, part: Part
) -> str | None:
    store = orders.stores[dataset]
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
            teller(part, f"{told}: sent"),
            teller(part, f"{told}: read back"),
        )
        record(document, orders.root, dataset, caller.address.text, generation)
        size += generation.bytes + len(generation.manifest)
        part.say(done=len(generation.files) + 1)
        crew.worker.log(
            f"{dataset}: {generation.name}: {amount(len(generation.files) + 1, generation.bytes)} sent to "
            f"{caller.address.text}, read back and recorded"
        )
    return f"{numbers[0]} to {numbers[-1]}: {byte_text(size)} backed up and read back"
