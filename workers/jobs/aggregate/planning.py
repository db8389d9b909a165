"""The plan of an aggregation, as it is shown before anything is read but manifests."""

from workers.jobs.aggregate.orders import Task, no_room, task_of
from workers.jobs.document import Document
from workers.jobs.plan import HostPlan, Plan

NEVER = (
    "change or delete a copy, or anything on a node",
    "take a record twice, or one whose file does not have the bytes its manifest says",
    "change a generation that is there: new records make new generations",
    "throw a broken record away: it is kept aside with the reason",
)


def told(document: Document) -> Plan:
    """Raises WorkerError, OSError."""
    tasks = [task_of(document, dataset) for dataset in document.datasets]
    stores = ", ".join(str(task.store.folder) for task in tasks)
    warnings = [text for task in tasks for text in task.warnings]
    warnings += [
        f"{each.node}:{each.path}: {each.reason}" for task in tasks for each in task.pending.refused
    ]
    refusals = [no_room(task, document.limits.space_fraction) for task in tasks]
    return Plan(
        document,
        f"merges into {stores or 'nothing: no dataset is named'}",
        tuple(_host(document, name, tasks) for name in nodes_of(document, tasks)),
        NEVER,
        tuple(warnings),
        tuple(text for text in refusals if text),
        {"records_in_store": {task.orders.dataset: task.store.records for task in tasks}},
    )


def nodes_of(document: Document, tasks: list[Task]) -> list[str]:
    """The document's sources, then other nodes whose copies are there."""
    found = {source.node for task in tasks for source in task.pending.sources}
    found |= {each.node for task in tasks for each in task.pending.refused}
    return [*document.sources, *sorted(found - {*document.sources})]


def _host(document: Document, name: str, tasks: list[Task]) -> HostPlan:
    sources = [each for task in tasks for each in task.pending.sources if each.node == name]
    size = sum(source.new_bytes for source in sources)
    return HostPlan(name, "merges its copies", len(sources), size, notes=_notes(document, name))


def _notes(document: Document, name: str) -> tuple[str, ...]:
    """What is known of a node that does not answer."""
    if name not in document.sources:
        return ()
    host = document.host(name)
    why = host.problem or (host.seen if host.seen != "up" else None)
    return (f"{why}: what it made after its last sync will be missing",) if why else ()
