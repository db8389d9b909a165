"""What a prune would remove, file by file, and why the rest stays."""

from workers.harness import WorkerError
from workers.jobs.document import Document
from workers.jobs.plan import HostPlan, Plan, byte_text
from workers.jobs.prune.decide import KEPT, UNPROVEN, Rules, Verdict
from workers.jobs.prune.figures import records_text, size_of
from workers.jobs.prune.survey import Ledger, Survey, read_ledger, rules, survey
from workers.jobs.reach import reached
from workers.ledger.names import shown

NEVER = (
    "remove a file that the ledger does not prove aggregated and backed up",
    "remove a file that is not, to the last byte, the one that was synced: it is hashed on the node first",
    "remove the newest file of a folder, a journal, a database, or what somebody has open for writing",
    "touch what lies at the destination",
)
MOST_LINES = 400
_MARKS = {KEPT: "keep", UNPROVEN: "REFUSED"}


def plan(document: Document) -> Plan:
    """Asks the destination and the nodes; removes nothing. Raises NotReached where the ledger cannot be read."""
    by = rules(document)
    ledger = read_ledger(document)
    hosts, refusals = [], []
    for name in document.sources:
        host, refusal = _host_plan(document, name, ledger, by)
        hosts.append(host)
        refusals += refusal
    removable = any(host.files for host in hosts)
    return Plan(
        document=document,
        does=_does(document, by),
        hosts=tuple(hosts),
        never=NEVER,
        warnings=(*ledger.damaged, *(refusals if removable else ())),
        refusals=() if removable else tuple(refusals),
    )


def _does(document: Document, by: Rules) -> str:
    backup = (
        "aggregated and backed up" if by.needs_backup else "aggregated (no backup is asked for)"
    )
    return f"frees disk of what is {backup}, as {document.destination.node} has it"


def _host_plan(
    document: Document, name: str, ledger: Ledger, by: Rules
) -> tuple[HostPlan, list[str]]:
    try:
        with reached(document.host(name)) as errand:
            found = survey(document, document.host(name), errand, ledger, by)
    except WorkerError as error:
        return HostPlan(name, "nothing", problem=str(error)), []
    going = found.going
    host = HostPlan(
        name=name,
        does=f"remove {records_text(going)}" if going else "nothing may go",
        files=len(going),
        bytes=size_of(going),
        notes=tuple(lines(found)),
    )
    return host, [f"{name}: {found.rest}"] if found.of(UNPROVEN) else []


def lines(found: Survey) -> list[str]:
    """One for each file: first what is refused, then what goes, then what is kept."""
    ordered = [*found.of(UNPROVEN), *found.going, *found.kept]
    told = [line(verdict) for verdict in ordered[:MOST_LINES]]
    if len(ordered) > MOST_LINES:
        rest = ordered[MOST_LINES:]
        told.append(f"and {len(rest):,} more files ({byte_text(size_of(rest))})")
    return [*told, *found.problems]


def line(verdict: Verdict) -> str:
    """`remove 'data/a.jsonl' (1.2 GB): in generation 3, backed up`."""
    word = _MARKS.get(verdict.what, "remove")
    path = shown(verdict.file.path)
    return f"{word} {path} ({byte_text(verdict.file.size)}): {verdict.reason}"
