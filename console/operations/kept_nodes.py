"""Which workers live on the nodes of the settings, kept on this machine: a node that is taken out of them while
no console looks is not forgotten with its workers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from console.fleet.model import Node, NodeSpec, Transport
from console.fleet.store import FleetStore
from console.fleet.workers.locks import can_tell
from console.fleet.workers.view import LIVE
from console.operations.redaction import redact, redact_argv
from console.text import sanitise
from workers.protocol import ProtocolError, WorkerRecord, WorkerReport, decode, plain

SCHEMA = 1
_MOST_BYTES = 16 * 1024 * 1024
_NOT_KEPT = frozenset(
    {"environment", "datasets", "hidden_while_empty"}
)  # the first may hold secrets


@dataclass(frozen=True)
class KeptNode:
    """A node with live workers, as last seen. `seen` is a wall clock, in seconds."""

    spec: NodeSpec
    node_key: str
    seen: float
    workers: WorkerReport


class KeptNodes:
    """The file of one place of settings: consoles with other settings have other nodes."""

    def __init__(self, folder: Path, settings: Path) -> None:
        digest = sha256(os.fsencode(settings)).hexdigest()[:16]
        self.path = folder / f"nodes-{digest}.json"
        self._written: object = None

    def read(self) -> dict[str, KeptNode]:
        """By name; what is damaged is left out."""
        try:
            with open(self.path, "rb") as stream:
                entries = json.loads(stream.read(_MOST_BYTES))["nodes"]
            found = [_kept(entry) for entry in entries]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return {}
        return {kept.spec.name: kept for kept in found if kept is not None}

    def note(self, store: FleetStore, configured: frozenset[str], wall: float) -> None:
        """Takes in what the nodes of the settings tell now. Written only where workers came, went or changed
        their state. Raises OSError."""
        nodes = [
            node for node in store.nodes.values() if node.name in configured and can_tell(node)
        ]
        kept = {node.name: _seen(node, wall) for node in nodes}
        state = {name: _gist(one.workers) for name, one in kept.items()}
        if state == self._written:
            return
        merged = self.read() | kept
        self._write({name: one for name, one in merged.items() if one.workers.workers})
        self._written = state

    def forget(self, name: str) -> None:
        """Raises OSError."""
        kept = self.read()
        if kept.pop(name, None) is not None:
            self._write(kept)
        self._written = None

    def _write(self, kept: Mapping[str, KeptNode]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        body = {"schema": SCHEMA, "nodes": [_plain(one) for one in kept.values()]}
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        with open(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), 0o600)
            json.dump(body, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self.path)


def live_workers(node: Node) -> WorkerReport:
    """The runs that are not over, as last told."""
    report = node.workers or WorkerReport(0.0)
    return WorkerReport(report.clock, tuple(r for r in report.workers if r.state in LIVE))


def _seen(node: Node, wall: float) -> KeptNode:
    key = node.hello.node_key if node.hello else ""
    report = live_workers(node)
    told = report._replace(workers=tuple(_without_secrets(record) for record in report.workers))
    return KeptNode(node.spec, key, wall, told)


def _without_secrets(record: WorkerRecord) -> WorkerRecord:
    """What was typed and printed on the node stays there."""
    command = tuple(redact_argv(record.command))
    return record._replace(command=command, last_line=redact(record.last_line), progress=None)


def _gist(report: WorkerReport) -> frozenset[tuple[str, str]]:
    return frozenset((record.run_id, record.state) for record in report.workers)


def _plain(kept: KeptNode) -> dict[str, Any]:
    spec = {key: value for key, value in asdict(kept.spec).items() if key not in _NOT_KEPT}
    return {
        "spec": spec | {"transport": kept.spec.transport.value},
        "node_key": kept.node_key,
        "seen": kept.seen,
        "workers": plain(kept.workers),
    }


def _kept(entry: Any) -> KeptNode | None:
    try:
        told = dict(entry["spec"])
        known = {field.name for field in fields(NodeSpec)} - _NOT_KEPT
        given = {key: value for key, value in told.items() if key in known}
        given |= {"transport": Transport(told["transport"]), "name": sanitise(told["name"])}
        given |= {key: tuple(given[key]) for key in ("tags", "disks") if key in given}
        workers = decode(WorkerReport, entry["workers"], sanitise)
        return KeptNode(NodeSpec(**given), str(entry["node_key"]), float(entry["seen"]), workers)
    except (KeyError, TypeError, ValueError, AttributeError, ProtocolError):
        return None
