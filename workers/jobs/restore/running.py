"""Runs a restore: generation after generation, oldest first."""

from dataclasses import replace

from workers.harness import Worker
from workers.jobs.crew import Crew
from workers.jobs.document import Document
from workers.jobs.errors import Refused
from workers.jobs.exclusive import one_at_a_time
from workers.jobs.parts import Part, Parts
from workers.jobs.plan import byte_text
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.models import model_part
from workers.jobs.remote.opening import open_remote
from workers.jobs.remote.telling import teller
from workers.jobs.restore.fetching import STAGING, fetch_generation, generations_there
from workers.jobs.restore.model_fetching import fetch_models
from workers.jobs.restore.orders import Orders, models_of, orders_of
from workers.jobs.room import room
from workers.records.consolidated import folder_name


def run(worker: Worker, document: Document) -> int | None:
    """Raises WorkerError. What was verified and placed before a failure stays; the next run goes on there."""
    orders = orders_of(document)
    models = {model_part(name): name for name in models_of(orders, open_remote(document))}
    names = [*orders.datasets, *models]
    parts = Parts(worker, names, "file")
    crew = Crew(worker, replace(document.limits, concurrency=1), parts)
    caller = open_remote(document, crew.check)

    def act(part: Part) -> str:
        with room():
            if part.name in models:
                return fetch_models(caller, crew, orders.folder, models[part.name], part)
            return _restore(orders, caller, crew, part)

    with one_at_a_time(orders.folder / STAGING, "restore"):
        crew.work(names, act)
        crew.finish()
    worker.say(message=parts.text())
    return None


def _restore(orders: Orders, caller: Caller, crew: Crew, part: Part) -> str:
    dataset = part.name
    numbers = generations_there(caller, dataset, orders.generation)
    if not numbers:
        raise Refused(f"{caller.address.text}: has no finished generation of {dataset}")
    size = 0
    part.say(total=len(numbers), done=0)
    for position, number in enumerate(numbers):
        tell = teller(
            part,
            f"{folder_name(number)} ({position + 1} of {len(numbers)}): fetched",
            counts_files=False,
        )
        size += fetch_generation(
            caller, orders.folder, dataset, number, crew.limits, crew.check, tell
        )
        part.say(done=position + 1)
        crew.worker.log(
            f"{dataset}: {folder_name(number)}: restored below {orders.folder}, verified"
        )
    return f"{numbers[0]} to {numbers[-1]}: {byte_text(size)} fetched, all verified"
