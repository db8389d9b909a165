"""The plan of a sync, as it is shown before anything moves."""

from workers.jobs.document import Host
from workers.jobs.parts import FAILED, SKIPPED
from workers.jobs.plan import HostPlan, Plan
from workers.jobs.sync.arguments import Leg
from workers.jobs.sync.job import Sync
from workers.jobs.sync.road import road
from workers.jobs.sync.survey import Survey, legs
from workers.ledger.shapes import SQLITE

NEVER = (
    "delete anything, anywhere: no --delete is ever given",
    "put a smaller or older file over a larger or newer one",
    "count a file as synced before its hash was compared at the destination",
    "run rsync as a daemon, take devices or special files, or follow a link out of the folder",
)


def told(sync: Sync) -> Plan:
    """Of the nodes as they were just looked at."""
    document, target = sync.document, sync.target
    wanted = sum(found.arriving_bytes for found in sync.surveys)
    room = target.no_room(wanted)
    hosts = [_host(sync, document.host(name)) for name in document.sources]
    return Plan(
        document,
        f"copies to {target.path} on {document.destination.node}",
        tuple(hosts),
        NEVER,
        (*target.damaged, *sync.warnings.values()),
        (room,) if room else (),
        {
            "destination": {"node": document.destination.node, "path": target.path},
            "arriving_bytes": wanted,
            "free_bytes": target.place_now.free_bytes,
        },
    )


def _host(sync: Sync, host: Host) -> HostPlan:
    part = sync.parts[host.name]
    found = sync.found.get(host.name)
    if found is None or part.state in (FAILED, SKIPPED):
        return HostPlan(host.name, "nothing", problem=part.message)
    way = road(sync.document, host, sync.destination, sync.own, found.home)
    commands = [argv for leg in _legs(sync, found) for argv in way.commands(leg)]
    return HostPlan(
        host.name,
        way.told,
        len(found.travelling),
        found.missing_bytes,
        tuple(commands),
        (*found.notes, *_snapshots(found), *_lists(commands)),
    )


def _legs(sync: Sync, found: Survey) -> list[Leg]:
    return [
        leg
        for dataset, steps in found.steps.items()
        for leg, _ in legs(found, dataset, steps, sync.target)
    ]


def _snapshots(found: Survey) -> list[str]:
    count = sum(step.file.kind == SQLITE for step in found.travelling)
    return [f"{count} through a snapshot, each with an rsync of its own"] if count else []


def _lists(commands: list[tuple[str, ...]]) -> list[str]:
    piped = any("--files-from=-" in argv for argv in commands)
    return ["the names of the files go to rsync on its standard input"] if piped else []
