"""What a restore would do."""

from workers.harness import WorkerError
from workers.jobs.document import Document
from workers.jobs.plan import HostPlan, Plan
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.generations import parse_manifest
from workers.jobs.remote.listing import content
from workers.jobs.remote.models import MODELS, model_part, newest
from workers.jobs.remote.opening import open_remote
from workers.jobs.remote.sending import FETCH_FLAGS
from workers.jobs.restore.fetching import STAGING, generations_there
from workers.jobs.restore.orders import Orders, models_of, orders_of
from workers.ledger.names import CONSOLIDATED
from workers.records.consolidated import folder_name, manifest_name

NEVER = (
    "replace a file that is there with other bytes",
    "place a file whose hash is not that of its manifest",
    "change or delete anything at the remote",
)


def plan(document: Document) -> Plan:
    """Asks the remote what it has. Raises WorkerError."""
    orders = orders_of(document)
    caller = open_remote(document)
    hosts = [_dataset_plan(orders, caller, dataset) for dataset in orders.datasets]
    hosts += _model_plans(orders, caller)
    return Plan(
        document=document,
        does=f"from {caller.address.text} into {orders.folder}",
        hosts=tuple(hosts),
        never=NEVER,
    )


def _dataset_plan(orders: Orders, caller: Caller, dataset: str) -> HostPlan:
    try:
        numbers = generations_there(caller, dataset, orders.generation)
        found = [_files(caller, dataset, number) for number in numbers]
    except WorkerError as error:
        return _unknown(dataset, error)
    if not numbers:
        return HostPlan(dataset, "nothing", problem="the remote has no finished generation of it")
    return HostPlan(
        name=dataset,
        does=f"restore {folder_name(numbers[0])} to {folder_name(numbers[-1])}",
        files=sum(count for count, _ in found),
        bytes=sum(size for _, size in found),
        commands=tuple(_command(orders, caller, dataset, number) for number in numbers),
        notes=("what is there already with the same hash is not fetched",),
    )


def _files(caller: Caller, dataset: str, number: int) -> tuple[int, int]:
    """How many, and their bytes."""
    parts = (dataset, CONSOLIDATED, folder_name(number), manifest_name(number))
    body = content(caller, *parts)
    files = parse_manifest(body, number, caller.address.object(*parts))
    return len(files) + 1, sum(file.bytes for file in files) + len(body)


def _command(orders: Orders, caller: Caller, dataset: str, number: int) -> tuple[str, ...]:
    parts = (dataset, CONSOLIDATED, folder_name(number))
    staging = orders.folder / STAGING / "/".join(parts)
    flags = [*FETCH_FLAGS, "--files-from-raw=FILES"]
    return tuple(caller.argv("copy", flags, [caller.address.folder(*parts), str(staging)]))


def _model_plans(orders: Orders, caller: Caller) -> list[HostPlan]:
    try:
        return [_model_plan(caller, name) for name in models_of(orders, caller)]
    except WorkerError as error:
        return [_unknown(MODELS, error)]


def _unknown(name: str, error: WorkerError) -> HostPlan:
    """Whoever asks for a plan need not have the credentials that the run will have."""
    note = f"what it has is not known now, and is asked again when it runs: {error}"
    return HostPlan(name, "restore what the remote has", notes=(note,))


def _model_plan(caller: Caller, name: str) -> HostPlan:
    try:
        manifest = newest(caller, name)
    except WorkerError as error:
        return _unknown(model_part(name), error)
    if manifest is None:
        return HostPlan(
            model_part(name), "nothing", problem="the remote has no finished backup of it"
        )
    size = sum(file.bytes for file in manifest.files)
    return HostPlan(model_part(name), "restore the last backup", len(manifest.files), size)
