"""The orders of a job: one JSON document, schema 1. Whoever starts a job has resolved every name in it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.contract import INPUT
from workers.harness import Misconfigured
from workers.jobs.fields import Fields, shown
from workers.ledger.names import CONSOLIDATED, UnsafeName, check_name

SCHEMA = 1
MOST_BYTES = 16 * 1024 * 1024
DEFAULT_ROOT = "~/.local/share/quarterdeck/data"


@dataclass(frozen=True)
class Cap:
    """What holds for some nodes beside the job's own limits. ``concurrency`` is of all nodes of a ``group``
    together; 0 is no limit of either."""

    group: str
    concurrency: int = 0
    bandwidth_kib_s: int = 0


@dataclass(frozen=True)
class Host:
    """A machine of the document. ``ssh`` is the command that reaches it; None is this machine."""

    name: str
    ssh: tuple[str, ...] | None = None
    root: str = "~"
    node_key: str | None = None
    tags: tuple[str, ...] = ()
    problem: str | None = None
    """Why no job can reach it ("asks for a passphrase")."""
    cap: Cap | None = None
    """None: the job's own limits hold."""
    seen: str | None = None
    """What the console that gave the orders saw of it: "up", or why not. None: nobody looked."""

    @property
    def here(self) -> bool:
        return self.ssh is None

    def mapping(self) -> dict[str, Any]:
        """As it stands in the document."""
        ssh = None if self.ssh is None else list(self.ssh)
        return {
            "ssh": ssh,
            "root": self.root,
            "node_key": self.node_key,
            "tags": list(self.tags),
            "problem": self.problem,
            "seen": self.seen,
        }


@dataclass(frozen=True)
class Dataset:
    """A dataset of the settings: which files on which nodes, and how their records are counted."""

    name: str
    paths: tuple[str, ...] = ()
    count: str = "files"
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Destination:
    node: str
    path: str = DEFAULT_ROOT


@dataclass(frozen=True)
class Limits:
    """``bandwidth_kib_s`` and ``timeout_s``: 0 is none. ``space_fraction``: of the free space, 0 to 1."""

    concurrency: int = 2
    bandwidth_kib_s: int = 0
    space_fraction: float = 0.5
    retries: int = 3
    timeout_s: float = 0.0
    caps: Mapping[str, Cap] = field(default_factory=dict)
    """By node."""

    def bandwidth(self, *nodes: str) -> int:
        """KiB/s between nodes: the least that any of them allows; 0 is no limit."""
        capped = [self.caps[node].bandwidth_kib_s for node in nodes if node in self.caps]
        return min((limit for limit in (self.bandwidth_kib_s, *capped) if limit), default=0)


@dataclass(frozen=True)
class Document:
    """``here`` is the name of the node the job runs on; ``fence`` its number in the order of all jobs."""

    job: str
    kind: str
    run: str
    by: str
    here: str
    fence: int
    hosts: Mapping[str, Host]
    datasets: tuple[Dataset, ...]
    sources: tuple[str, ...]
    destination: Destination
    limits: Limits = Limits()
    options: Mapping[str, Any] = field(default_factory=dict)

    def host(self, name: str) -> Host:
        """A machine by its node's name; the node the job runs on needs no entry. Raises Misconfigured."""
        if name in self.hosts:
            return self.hosts[name]
        if name == self.here:
            return Host(name)
        raise Misconfigured(f"hosts: {name!r} is not among them")

    def datasets_of(self, node: str) -> tuple[Dataset, ...]:
        return tuple(each for each in self.datasets if node in each.nodes)

    def fields(self) -> Fields:
        """The options, to be read with their types checked."""
        return Fields(self.options, "options")


def load(path: str | None) -> Document:
    """From a file, or from where the supervisor put it. Raises Misconfigured."""
    found = path or os.environ.get(INPUT)
    if not found:
        raise Misconfigured(f"no orders: give --document FILE (or run it as a job, with {INPUT})")
    try:
        with Path(found).open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise Misconfigured(f"{found}: cannot be read: {error.strerror}") from error
    if len(raw) > MOST_BYTES:
        raise Misconfigured(f"{found}: more than {MOST_BYTES >> 20} MiB is no document of a job")
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Misconfigured(f"{found}: is no JSON: {error}") from error
    return parse(body, found)


def parse(body: object, name: str = "document") -> Document:
    """The document of a decoded JSON object. Raises Misconfigured with the place of what is wrong."""
    fields = Fields(body, f"{name}:")
    schema = fields.body.get("schema")
    if schema != SCHEMA:
        raise Misconfigured(
            f"{name}: schema {shown(schema)} is not known here (wanted: {SCHEMA}); "
            "the console that wrote it is of another release: update the older of the two"
        )
    hosts = _hosts(fields.under("hosts", {}))
    document = Document(
        job=component(fields.text("job"), fields.at("job")),
        kind=fields.text("kind"),
        run=component(fields.text("run"), fields.at("run")),
        by=fields.text("by", ""),
        here=fields.text("here"),
        fence=fields.whole("fence", 0),
        hosts=hosts,
        datasets=tuple(_dataset(each) for each in fields.list_of("datasets")),
        sources=fields.texts("sources", ()),
        destination=_destination(fields.under("destination", {"node": fields.text("here")})),
        limits=_limits(fields.under("limits", {}), hosts),
        options=fields.under("options", {}).body,
    )
    _check_names(document, name)
    return document


def component(text: str, place: str) -> str:
    """``text``, fit to be one folder's name. Raises Misconfigured: it forms a path at the destination."""
    try:
        return check_name(text, place)
    except UnsafeName as error:
        raise Misconfigured(str(error)) from None


def _hosts(fields: Fields) -> dict[str, Host]:
    found = {}
    for name in fields.body:
        host = fields.under(name)
        ssh = None if host.body.get("ssh") is None else host.texts("ssh")
        if ssh == ():
            raise host.wrong("ssh", "a command, or null for this machine")
        found[component(name, fields.at(name))] = Host(
            name=name,
            ssh=ssh,
            root=host.text("root", "~"),
            node_key=host.text_or_none("node_key"),
            tags=host.texts("tags", ()),
            problem=host.text_or_none("problem"),
            seen=host.text_or_none("seen"),
            cap=_cap(host.under("limits", {})),
        )
    return found


def _dataset(fields: Fields) -> Dataset:
    return Dataset(
        name=component(fields.text("name"), fields.at("name")),
        paths=fields.texts("paths", ()),
        count=fields.text("count", "files"),
        nodes=fields.texts("nodes", ()),
    )


def _destination(fields: Fields) -> Destination:
    path = fields.text("path", DEFAULT_ROOT)
    if not path.startswith(("/", "~")):
        raise fields.wrong("path", "a path from '/' or '~'")
    return Destination(fields.text("node"), path)


def _cap(fields: Fields) -> Cap | None:
    group = fields.text("group", "")
    if not group:
        return None
    return Cap(group, fields.whole("concurrency", 0), fields.whole("bandwidth_kib_s", 0))


def _limits(fields: Fields, hosts: Mapping[str, Host]) -> Limits:
    return Limits(
        concurrency=fields.whole("concurrency", 2, least=1),
        bandwidth_kib_s=fields.whole("bandwidth_kib_s", 0),
        space_fraction=fields.number("space_fraction", 0.5, 0.0, 1.0),
        retries=fields.whole("retries", 3),
        timeout_s=fields.number("timeout_s", 0.0, 0.0),
        caps={name: host.cap for name, host in hosts.items() if host.cap is not None},
    )


def _check_names(document: Document, name: str) -> None:
    known = {*document.hosts, document.here}
    wanted = {"sources": document.sources, "destination.node": (document.destination.node,)}
    for number, dataset in enumerate(document.datasets):
        wanted[f"datasets[{number}].nodes"] = dataset.nodes
    for place, nodes in wanted.items():
        strangers = [node for node in nodes if node not in known]
        if strangers:
            raise Misconfigured(f"{name}: {place}: {strangers[0]!r} is not among the hosts")
    if CONSOLIDATED in document.hosts:
        raise Misconfigured(
            f"{name}: hosts: no node may be called {CONSOLIDATED!r}: its copies would lie in the store"
        )
    twice = {each.name for each in document.datasets if _times(document, each.name) > 1}
    if twice:
        raise Misconfigured(f"{name}: datasets: {min(twice)!r} is named twice")


def _times(document: Document, name: str) -> int:
    return sum(each.name == name for each in document.datasets)
