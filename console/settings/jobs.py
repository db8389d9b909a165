"""Jobs: work that is expected to finish. What each key means is written beside it in `config/jobs.yaml`."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    field_validator,
    model_serializer,
    model_validator,
)

from console.settings.hosts import LOCAL
from console.settings.presets import LockSettings, NodeSecret, Value, Word
from console.settings.selectors import selects
from console.settings.values import (
    Duration,
    EnvironmentName,
    Line,
    Lines,
    Name,
    NodePath,
    NodePaths,
    PositiveDuration,
    Section,
    Selector,
    Size,
)
from workers.protocol import SecretReference, Variable

DATA = "~/.local/share/quarterdeck/data"  # where data arrive that were given no other place
Kind = Literal[
    "sync", "aggregate", "backup", "restore", "update_code", "prune", "command", "pipeline"
]
CONDUCTED = frozenset({"update_code", "command", "pipeline"})  # run by `python -m console.conduct`
AT_THE_DATA = frozenset(
    {"aggregate", "backup", "restore"}
)  # run where the data lie, unless told otherwise
SYNCING = frozenset({"sync"})  # what `sync_disabled` switches off

# Which keys a kind has of its own; any other key is for all kinds.
_OWN: dict[str, frozenset[str]] = {
    "sync": frozenset({"direction", "paths"}),
    "aggregate": frozenset({"store", "memory"}),
    "backup": frozenset({"remote", "rclone_config", "environment", "what", "models", "store"}),
    "restore": frozenset({"remote", "rclone_config", "environment", "to", "generation"}),
    "update_code": frozenset({"repo", "ref", "auto_stash", "batch", "healthy_within"}),
    "prune": frozenset({"without_backup", "keep"}),
    "command": frozenset({"command", "directory"}),
    "pipeline": frozenset({"steps", "source", "fast_directory", "results", "train", "python"}),
}
_NEEDED: dict[str, tuple[str, ...]] = {
    "backup": ("remote",),
    "restore": ("remote", "to"),
    "update_code": ("repo",),
    "command": ("command",),
}


def _schedule(value: str) -> str:
    try:
        next(CronSim(value, datetime(2026, 1, 1, tzinfo=timezone.utc)))
    except CronSimError as error:
        raise ValueError(
            f"wanted a cron expression such as '0 * * * *' or '30 4 * * mon-fri': {error}"
        ) from None
    except StopIteration:
        raise ValueError("names no day that ever comes") from None
    return value


def _remote(value: str) -> str:
    name, colon, path = value.removeprefix(":").partition(":")
    if not colon or not name or not path.strip("/") or value.startswith("-"):
        raise ValueError(
            "wanted NAME:BUCKET/PREFIX of rclone's configuration, or :s3:BUCKET/PREFIX"
        )
    return value


def _fraction(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise ValueError("wanted a share above 0 and up to 1")
    return float(value)


Schedule = Annotated[Line, AfterValidator(_schedule)]
Remote = Annotated[Line, AfterValidator(_remote)]
Count = Annotated[StrictInt, Field(ge=1, le=1000)]


class DestinationSettings(Section):
    """Where data go: a folder of a node."""

    node: Name | None = None  # None: this machine
    path: NodePath = DATA


class CapSettings(Section):
    """How much at once, and how fast, with the nodes that a selector takes. The first that takes one holds."""

    hosts: Selector
    concurrency: Count | None = None  # of these nodes at a time
    bandwidth: Size = 0  # bytes per second with each; 0: no limit


class RetrySettings(Section):
    """What is tried again, and when."""

    attempts: Annotated[StrictInt, Field(ge=0, le=1000)] = 3  # of each node, within one run
    again: Annotated[StrictInt, Field(ge=0, le=1000)] = 5  # of a whole run that found no node
    backoff: Duration = 30.0
    backoff_max: Duration = 600.0


def _node_word(value: Any) -> Any:
    return {"node": value} if isinstance(value, str) else value


class JobSettings(Section):
    """One job."""

    name: Name
    kind: Kind
    sources: Selector = "*"
    destination: Annotated[DestinationSettings, BeforeValidator(_node_word)] = DestinationSettings()
    datasets: tuple[Name, ...] = ()  # empty: all
    schedule: Schedule | None = None
    run_on: Literal["auto", "orchestrator", "destination"] = "auto"
    concurrency: Count = 2  # nodes at a time
    bandwidth: Size = 0  # bytes per second with each node; 0: no limit
    caps: tuple[CapSettings, ...] = ()
    space: Annotated[float, BeforeValidator(_fraction)] = 0.5  # of what is free at the destination
    retry: RetrySettings = RetrySettings()
    timeout: Duration = 0.0  # of the whole run; 0: none
    notify: Literal["never", "failed", "always"] = "failed"
    lock: LockSettings | None = None  # instead of that of the destination

    # sync
    direction: Literal["pull", "push"] = "pull"
    paths: NodePaths = ()  # of a push: what is sent, relative to this machine's home
    # aggregate, backup
    store: NodePath = ""
    memory: Size = 1024**3
    # backup, restore
    remote: Remote | None = None
    rclone_config: NodePath | None = None
    environment: dict[EnvironmentName, Value] = Field(default_factory=dict, repr=False)
    what: tuple[Literal["consolidated", "models"], ...] = ("consolidated",)
    models: NodePaths = ()
    # restore
    to: NodePath = ""
    generation: Annotated[StrictInt, Field(ge=1)] | None = None
    # update_code
    repo: NodePath = ""
    ref: Line = ""
    auto_stash: StrictBool = False
    batch: Count = 1
    healthy_within: PositiveDuration = 120.0
    # prune
    without_backup: StrictBool = False
    keep: Duration = 0.0
    # command
    command: tuple[Word, ...] = ()
    directory: NodePath = ""
    # pipeline
    steps: tuple[Name, ...] = ()
    source: NodePath = ""
    fast_directory: NodePath = ""
    results: Lines = ("*.safetensors", "adapter_config.json")
    train: tuple[Word, ...] = ()
    python: NodePaths = ()

    @field_validator("ref")
    @classmethod
    def _no_option(cls, value: str) -> str:
        if value.startswith("-"):
            raise ValueError("wanted a branch, tag or commit, which does not start with '-'")
        return value

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> JobSettings:
        elsewhere = frozenset().union(*_OWN.values()) - _OWN[self.kind]
        if strange := sorted(self.model_fields_set & elsewhere):
            raise ValueError(f"{', '.join(strange)}: not a key of {self.kind} jobs")
        if missing := [key for key in _NEEDED.get(self.kind, ()) if not getattr(self, key)]:
            raise ValueError(f"{', '.join(missing)}: a {self.kind} job needs it")
        if self.kind == "sync" and (self.direction == "push") != bool(self.paths):
            raise ValueError("paths: wanted of a push, which sends them, and of nothing else")
        if self.kind == "pipeline" and bool(self.steps) == bool(self.train):
            raise ValueError("wanted either steps, the names of jobs, or train, a command")
        if self.train and not self.source:
            raise ValueError("source: the folder that a train pipeline mirrors is missing")
        return self

    @property
    def plain_environment(self) -> tuple[Variable, ...]:
        """What its process is told beside what every worker is told."""
        found = self.environment.items()
        return tuple(Variable(key, value) for key, value in found if isinstance(value, str))

    @property
    def secrets(self) -> tuple[SecretReference, ...]:
        """Read on the node it runs on, at each attempt."""
        found = self.environment.items()
        return tuple(value.reference(key) for key, value in found if isinstance(value, NodeSecret))

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the keys of other kinds."""
        foreign = frozenset().union(*_OWN.values()) - _OWN[self.kind]
        return {key: value for key, value in handler(self).items() if key not in foreign}

    @property
    def conducted(self) -> bool:
        """True where it runs as a console without a screen, False where it needs no console at all."""
        return self.work in CONDUCTED

    @property
    def work(self) -> str:
        """What is run: the kind, or `train` of a pipeline that is a training with its mirror."""
        return "train" if self.train else self.kind

    @property
    def at_destination(self) -> bool:
        """True where it runs on the node of its destination."""
        if self.run_on == "auto":
            return self.kind in AT_THE_DATA
        return self.run_on == "destination"

    @property
    def may_go_there(self) -> bool:
        """True where it runs on its destination if that machine reaches the sources itself."""
        pulls = self.kind == "sync" and self.direction == "pull"
        return pulls and self.run_on == "auto" and self.destination.node not in (None, LOCAL)

    def cap(self, node: str, tags: tuple[str, ...]) -> CapSettings | None:
        """The first cap that takes a node."""
        return next((cap for cap in self.caps if selects(cap.hosts, node, tags)), None)


class TrainingSettings(Section):
    """How the train pipeline works with data: in place, or mirrored to a fast place first."""

    mode: Literal["standard", "wsl_sync", "native_sync"] = "standard"
    wsl_distro: Line = "Ubuntu-24.04"
    wsl_path: NodePath = "~/digital_twin_data"
    native_path: NodePath = "~/.local/share/quarterdeck/fast"


def check_jobs(jobs: tuple[JobSettings, ...], datasets: frozenset[str]) -> None:
    """Raises ValueError where a job names a dataset or a step that is not there, or steps that lead in a circle."""
    steps = {job.name: job.steps for job in jobs}
    for job in jobs:
        if unknown := [name for name in job.datasets if name not in datasets]:
            raise ValueError(f"{job.name}: there is no dataset {', '.join(unknown)}")
        if unknown := [name for name in job.steps if name not in steps]:
            raise ValueError(f"{job.name}: there is no job {', '.join(unknown)}")
        if job.name in _reached(job.name, steps):
            raise ValueError(f"{job.name}: its steps lead back to it")


def _reached(name: str, steps: dict[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    ahead = list(steps[name])
    while ahead:
        step = ahead.pop()
        if step not in found:
            found.add(step)
            ahead += steps.get(step, ())
    return found
