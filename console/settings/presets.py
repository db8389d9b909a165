"""Named recipes for workers. What each key means is written beside it in `config/workers.yaml`."""

from __future__ import annotations

import re
import signal
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    Tag,
    field_validator,
    model_validator,
)

from console.settings.values import (
    Duration,
    EnvironmentName,
    Line,
    Name,
    NodePath,
    NodePaths,
    PositiveDuration,
    Section,
    Selector,
    Size,
)
from workers.protocol import (
    DiskNeed,
    Preflight,
    RestartRule,
    SecretReference,
    Variable,
    WorkerSpec,
)

MOST_COPIES = 256
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_PROGRESS_GROUPS = frozenset({"done", "total", "rate"})


def checked_signal(value: Any) -> str:
    """`TERM` of `TERM`, `SIGTERM` or `term`; KILL and STOP cannot be asked of a program. Raises ValueError."""
    name = value.upper().removeprefix("SIG") if isinstance(value, str) else ""
    if name in ("KILL", "STOP") or f"SIG{name}" not in signal.Signals.__members__:
        raise ValueError("wanted a signal that a program can catch, such as TERM, INT or USR2")
    return name


def _module(value: Any) -> Any:
    if not isinstance(value, str) or not _MODULE.fullmatch(value):
        raise ValueError("wanted the name of a Python module")
    return value


def _word_text(value: Any) -> Any:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("wanted text without a NUL character")
    return value


def _cores(value: Any) -> Any:
    """`0-3,8`, a number, or a list of numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if not isinstance(value, str):
        return value
    found: list[int] = []
    for part in value.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(part) > 9:
            raise ValueError("wanted cores such as [0, 1] or 0-3,8")
        found += range(int(first), int(last or first) + 1)
        if len(found) > 4096:
            raise ValueError("wanted fewer cores")
    return tuple(found)


Word = Annotated[StrictStr, BeforeValidator(_word_text)]  # of a command; lines are allowed
Signal = Annotated[str, BeforeValidator(checked_signal)]
Module = Annotated[str, BeforeValidator(_module)]
Cores = Annotated[tuple[Annotated[StrictInt, Field(ge=0, le=4095)], ...], BeforeValidator(_cores)]
Policy = Literal["never", "on-failure", "always"]


class NodeSecret(Section):
    """A secret by reference; it is read on the node at each start and never leaves it."""

    from_env: EnvironmentName | None = None  # of the login environment there
    from_file: NodePath | None = None  # its first line

    @model_validator(mode="after")
    def _one_of_them(self) -> NodeSecret:
        if (self.from_env is None) == (self.from_file is None):
            raise ValueError("wanted either from_env or from_file")
        return self

    def reference(self, name: str) -> SecretReference:
        if self.from_env is not None:
            return SecretReference(name, "env", self.from_env)
        return SecretReference(name, "file", self.from_file or "")


class RestartSettings(Section):
    """When a worker that ended by itself is started again."""

    policy: Policy = "never"
    max: Annotated[StrictInt, Field(ge=0, le=10_000)] = 5
    window: PositiveDuration = 600.0
    backoff: Duration = 1.0
    backoff_max: Duration = 300.0
    healthy: Duration = 60.0

    @property
    def rule(self) -> RestartRule:
        return RestartRule(
            self.policy, self.max, self.window, self.backoff, self.backoff_max, self.healthy
        )


class LockSettings(Section):
    """A lock of which only one holder may live."""

    name: Name
    scope: Literal["node", "fleet"] = "node"


class PreflightSettings(Section):
    """What must hold on the node before a start."""

    disk_free: dict[NodePath, Size] = Field(default_factory=dict)
    files: NodePaths = ()
    memory: Size = 0

    @property
    def checks(self) -> Preflight:
        disks = tuple(DiskNeed(path, size) for path, size in self.disk_free.items())
        return Preflight(disks, self.files, self.memory)


class ProgressSettings(Section):
    """Where the progress of a program comes from that writes no status.json."""

    pattern: Line = ""
    dataset: Line = ""
    unit: Line = ""

    @field_validator("pattern")
    @classmethod
    def _groups(cls, value: str) -> str:
        try:
            groups = set(re.compile(value).groupindex)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        if value and not groups & _PROGRESS_GROUPS:
            raise ValueError("wanted a group named done, total or rate, as in (?P<done>[0-9]+)")
        return value


def _word(key: str) -> BeforeValidator:
    """One plain word stands for a section with this key."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


def _form(value: Any) -> str:
    return "<reference>" if isinstance(value, (NodeSecret, dict)) else "<text>"


Value = Annotated[
    Annotated[Line, Tag("<text>")] | Annotated[NodeSecret, Tag("<reference>")], Discriminator(_form)
]


class PresetSettings(Section):
    """A recipe: what is run, where, and how it is looked after."""

    name: Name
    command: tuple[Word, ...] = Field(min_length=1)
    directory: NodePath = ""
    environment: dict[EnvironmentName, Value] = Field(default_factory=dict, repr=False)
    python: NodePaths = ()
    needs: tuple[Module, ...] = ()
    code: Literal["", "workers"] = ""
    nodes: Selector = "*"
    tags: tuple[Name, ...] = ()
    copies: Annotated[StrictInt, Field(ge=1, le=MOST_COPIES)] = 1
    gpus: Annotated[StrictInt, Field(ge=0, le=64)] = 0
    nice: Annotated[StrictInt, Field(ge=-20, le=19)] = 0
    affinity: Cores = ()
    threads: Annotated[StrictInt, Field(ge=1, le=4096)] | None = None
    restart: Annotated[RestartSettings, _word("policy")] = RestartSettings()
    grace: PositiveDuration = 10.0
    stop_signal: Signal = "TERM"
    drain: StrictBool = False
    drain_signal: Signal | None = None
    on_boot: Literal["leave", "restart"] = "leave"
    leftovers: Literal["keep", "kill"] = "keep"
    lock: Annotated[LockSettings, _word("name")] | None = None
    lock_files: NodePaths = ()
    preflight: PreflightSettings = PreflightSettings()
    progress: ProgressSettings = ProgressSettings()
    unbuffered: StrictBool = True

    def spec(self, run_id: str, name: str, by: str = "") -> WorkerSpec:
        """One run of it."""
        plain = {k: v for k, v in self.environment.items() if isinstance(v, str)}
        secrets = {k: v for k, v in self.environment.items() if isinstance(v, NodeSecret)}
        return WorkerSpec(
            run_id=run_id,
            name=name,
            command=self.command,
            preset=self.name,
            directory=self.directory,
            environment=tuple(Variable(*item) for item in plain.items()),
            secrets=tuple(secret.reference(key) for key, secret in secrets.items()),
            unbuffered=self.unbuffered,
            interpreters=self.python,
            needs=self.needs,
            code=self.code,
            gpus=self.gpus,
            nice=self.nice,
            affinity=self.affinity,
            threads=self.threads,
            restart=self.restart.rule,
            grace_s=self.grace,
            stop_signal=self.stop_signal,
            drain=self.drain,
            drain_signal=self.drain_signal or "",
            on_boot=self.on_boot,
            leftovers=self.leftovers,
            singleton=self.lock.name if self.lock else "",
            singleton_scope=self.lock.scope if self.lock else "node",
            lock_files=self.lock_files,
            preflight=self.preflight.checks,
            progress_pattern=self.progress.pattern,
            progress_unit=self.progress.unit,
            progress_dataset=self.progress.dataset,
            tags=self.tags,
            by=by,
        )
