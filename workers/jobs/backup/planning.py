"""What a backup would do."""

from pathlib import Path

from workers.harness import WorkerError
from workers.jobs.backup.model_folder import sizes_in
from workers.jobs.backup.orders import Orders, orders_of, pending
from workers.jobs.document import Document
from workers.jobs.plan import HostPlan, Plan
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.generations import Generation, read
from workers.jobs.remote.models import model_part
from workers.jobs.remote.opening import open_remote
from workers.jobs.remote.sending import CHECK_FLAGS, COPY_FLAGS, IMMUTABLE
from workers.ledger.names import CONSOLIDATED
from workers.records.consolidated import folder_name

NEVER = (
    "delete or overwrite an object of a generation at the remote",
    "make a bucket",
    "send without checking who the endpoint is (TLS)",
    "record a generation before each of its bytes was read back",
)


def plan(document: Document) -> Plan:
    """Looks at this machine only: whether the store answers shows when it runs. Raises WorkerError."""
    orders = orders_of(document)
    caller = open_remote(document)
    hosts = [_dataset_plan(orders, caller, name) for name in orders.datasets]
    hosts += [_model_plan(name, folder) for name, folder in orders.models.items()]
    return Plan(
        document=document,
        does=f"to {caller.address.text} by rclone {caller.tool.version_text}",
        hosts=tuple(hosts),
        never=NEVER,
    )


def _dataset_plan(orders: Orders, caller: Caller, dataset: str) -> HostPlan:
    try:
        waiting = [
            read(orders.stores[dataset], number)
            for number in pending(orders, dataset, caller.address.text)
        ]
    except WorkerError as error:
        return HostPlan(dataset, "nothing", problem=str(error))
    return HostPlan(
        name=dataset,
        does=_does(waiting),
        files=sum(len(each.files) + 1 for each in waiting),
        bytes=sum(each.bytes + len(each.manifest) for each in waiting),
        commands=tuple(_command(caller, dataset, each) for each in waiting),
        notes=_notes(caller, waiting),
    )


def _does(waiting: list[Generation]) -> str:
    if not waiting:
        return "all generations are backed up"
    first, last = waiting[0], waiting[-1]
    if first is last:
        return f"back up {folder_name(first.number)}"
    return f"back up {len(waiting)} generations, {first.name} to {last.name}"


def _command(caller: Caller, dataset: str, generation: Generation) -> tuple[str, ...]:
    flags = [*COPY_FLAGS, IMMUTABLE, "--files-from-raw=FILES"]
    operands = [
        str(generation.folder),
        caller.address.folder(dataset, CONSOLIDATED, generation.name),
    ]
    return tuple(caller.argv("copy", flags, operands))


def _notes(caller: Caller, waiting: list[Generation]) -> tuple[str, ...]:
    if not waiting:
        return ()
    return (
        f"then each is read back (rclone check {' '.join(CHECK_FLAGS)}), its manifest goes last, and the "
        "ledger gets its line",
    )


def _model_plan(name: str, folder: Path) -> HostPlan:
    """All of it: what the remote has already shows when it runs."""
    part = model_part(name)
    try:
        sizes = sizes_in(folder)
    except WorkerError as error:
        return HostPlan(part, "nothing", problem=str(error))
    note = "what the last backup has is not sent again; checkpoints first, pointers and the manifest last"
    return HostPlan(part, f"back up what is new of {folder}", len(sizes), sum(sizes), notes=(note,))
