"""What a job is about to do, before it does anything: for people, and as JSON."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from workers.jobs.document import Document


@dataclass(frozen=True)
class HostPlan:
    """One node's share. ``files`` and ``bytes`` are None where nobody could tell."""

    name: str
    does: str
    files: int | None = None
    bytes: int | None = None
    commands: tuple[tuple[str, ...], ...] = ()
    """Argument lists, exactly as they will run."""
    notes: tuple[str, ...] = ()
    problem: str | None = None
    """Why nothing will happen there."""


@dataclass(frozen=True)
class Plan:
    """``refusals``: why the job as a whole will not run; empty where it may."""

    document: Document
    does: str
    hosts: tuple[HostPlan, ...]
    never: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    numbers: dict[str, Any] = field(default_factory=dict)
    """What else the kind of job counts, for the JSON."""

    @property
    def files(self) -> int:
        return sum(host.files or 0 for host in self.hosts)

    @property
    def bytes(self) -> int:
        return sum(host.bytes or 0 for host in self.hosts)

    def text(self) -> str:
        """Lines for a terminal."""
        lines = [f"plan of {self.document.job} ({self.document.kind}): {self.does}"]
        for host in self.hosts:
            lines += _host_lines(host)
        lines.append(f"together: {amount(self.files, self.bytes)}")
        lines += [f"warning: {each}" for each in self.warnings]
        lines += [f"never: {each}" for each in self.never]
        lines += [f"refused: {each}" for each in self.refusals]
        return "\n".join(lines)

    def json(self) -> str:
        """The same, schema 1."""
        return json.dumps(
            {
                "schema": 1,
                "job": self.document.job,
                "kind": self.document.kind,
                "run": self.document.run,
                "does": self.does,
                "hosts": [_host_json(host) for host in self.hosts],
                "files": self.files,
                "bytes": self.bytes,
                "never": list(self.never),
                "warnings": list(self.warnings),
                "refusals": list(self.refusals),
                **self.numbers,
            }
        )


def amount(files: int | None, size: int | None) -> str:
    """`3 files, 1.2 GB`."""
    if files is None:
        return "unknown"
    word = "file" if files == 1 else "files"
    return f"{files:,} {word}" + ("" if size is None else f", {byte_text(size)}")


def byte_text(size: float) -> str:
    """`1.2 GB`: decimal units, as disks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def command_text(argv: Sequence[str]) -> str:
    """As a shell would take it; what a terminal would obey is escaped."""
    text = shlex.join(argv)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _host_lines(host: HostPlan) -> list[str]:
    if host.problem is not None:
        return [f"  {host.name}: nothing: {host.problem}"]
    lines = [f"  {host.name}: {host.does}: {amount(host.files, host.bytes)}"]
    lines += [f"    note: {note}" for note in host.notes]
    return lines + [f"    $ {command_text(argv)}" for argv in host.commands]


def _host_json(host: HostPlan) -> dict[str, Any]:
    return {
        "name": host.name,
        "does": host.does,
        "files": host.files,
        "bytes": host.bytes,
        "commands": [list(argv) for argv in host.commands],
        "notes": list(host.notes),
        "problem": host.problem,
    }
