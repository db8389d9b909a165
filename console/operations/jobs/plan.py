"""What a job would do, as its own code found it: the plan a person looks at before it starts."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from console import formatting
from console.settings.jobs import JobSettings
from workers.protocol import WorkerSpec


@dataclass(frozen=True)
class HostShare:
    """One node's part. `files` and `bytes` are None where nobody could tell; `problem`: why nothing happens there."""

    name: str
    does: str
    files: int | None = None
    bytes: int | None = None
    commands: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class JobPlan:
    """A run that would start on `node`. The run id is fixed: starting it twice starts it once."""

    job: JobSettings
    node: str
    spec: WorkerSpec
    document: Mapping[str, Any] = field(repr=False)
    does: str = ""
    hosts: tuple[HostShare, ...] = ()
    never: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()  # why it will not start; empty where it may
    numbers: Mapping[str, Any] = field(default_factory=dict)  # what else its code counted

    @property
    def name(self) -> str:
        return self.job.name

    @property
    def ok(self) -> bool:
        return not self.refusals

    @property
    def reachable(self) -> bool:
        """False where no node of it can be worked on."""
        return not self.hosts or any(share.problem is None for share in self.hosts)

    @property
    def files(self) -> int | None:
        """Of all nodes; None where one could not tell."""
        return _sum([share.files for share in self.hosts if share.problem is None])

    @property
    def bytes(self) -> int | None:
        return _sum([share.bytes for share in self.hosts if share.problem is None])

    @property
    def lines(self) -> tuple[str, ...]:
        """For people."""
        found = [f"{self.name} ({self.job.kind}) on {self.node}: {self.does or self.job.kind}"]
        for share in self.hosts:
            found += _share_lines(share)
        if len(self.hosts) > 1 and any(share.files is not None for share in self.hosts):
            found.append(f"together: {amount(self.files, self.bytes)}")
        found += [f"warning: {text}" for text in self.warnings]
        found += [f"never: {text}" for text in self.never]
        found += [f"refused: {text}" for text in self.refusals]
        return tuple(found)


def shares_of(said: Mapping[str, Any]) -> tuple[HostShare, ...]:
    """The hosts of what `--plan --json` printed."""
    return tuple(
        HostShare(
            str(each.get("name", "")),
            str(each.get("does", "")),
            _whole(each.get("files")),
            _whole(each.get("bytes")),
            tuple(tuple(map(str, argv)) for argv in each.get("commands") or ()),
            texts(each.get("notes")),
            None if each.get("problem") is None else str(each["problem"]),
        )
        for each in said.get("hosts") or ()
        if isinstance(each, Mapping)
    )


def texts(value: Any) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()


def amount(files: int | None, size: int | None) -> str:
    """`3 files, 1.2 GB`; `unknown`."""
    if files is None:
        return "unknown"
    word = "file" if files == 1 else "files"
    return f"{files:,} {word}" + ("" if size is None else f", {formatting.size(size)}")


def _share_lines(share: HostShare) -> list[str]:
    if share.problem is not None:
        return [f"  {share.name}: nothing: {share.problem}"]
    said = f": {amount(share.files, share.bytes)}" if share.files is not None else ""
    lines = [f"  {share.name}: {share.does}{said}"]
    lines += [f"    note: {note}" for note in share.notes]
    return lines + [f"    $ {shlex.join(argv)}" for argv in share.commands]


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
