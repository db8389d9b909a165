"""Files of the nodes to one place: rsync over ssh, verified, never deleted, never an older over a newer one."""

from workers.harness import Misconfigured, Worker
from workers.jobs.document import Document
from workers.jobs.plan import Plan
from workers.jobs.sync.job import opened
from workers.jobs.sync.told import told

DIRECTIONS = ("pull", "push")


def plan(document: Document) -> Plan:
    """What a run would do now; nothing is locked or written. Raises WorkerError."""
    if _direction(document) == "push":
        from workers.jobs.sync.push import plan as push_plan

        return push_plan(document)
    with opened(Worker("file"), document, locked=False) as sync:
        sync.look(retries=0)
        return told(sync)


def run(worker: Worker, document: Document) -> int | None:
    """Syncs. Raises WorkerError: which and how much failed is in its text and in the parts."""
    if _direction(document) == "push":
        from workers.jobs.sync.push import run as push_run

        return push_run(worker, document)
    with opened(worker, document, locked=True) as sync:
        sync.look(document.limits.retries)
        for text in (*sync.target.damaged, *sync.warnings.values()):
            worker.log(f"warning: {text}")
        sync.carry()
    return None


def _direction(document: Document) -> str:
    found = document.fields().text("direction", "pull")
    if found not in DIRECTIONS:
        raise Misconfigured(
            f"options.direction: one of {', '.join(DIRECTIONS)} is wanted, found {found!r}"
        )
    return found
