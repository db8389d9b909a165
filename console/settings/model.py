"""The settings, typed. What each key means is written beside it in the repository's `config/`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    Tag,
    ValidationInfo,
    field_validator,
)

from console.errors import UsageError
from console.fleet.model import NodeSpec, Transport
from console.fleet.rules import AlertRules
from console.settings.alerts import RULES, AlertSettings, RuleSettings
from console.settings.hosts import LOCAL, parse_host
from console.settings.jobs import JobSettings, TrainingSettings, check_jobs
from console.settings.places import places
from console.settings.presets import PresetSettings
from console.settings.selectors import selects
from console.settings.values import (
    EnvironmentName,
    HomePath,
    Line,
    Lines,
    Name,
    NodePath,
    PositiveDuration,
    Secret,
    Section,
    Selector,
    Size,
    User,
    duration_s,
)
from workers.protocol import DatasetWatch

_COUNTS = ("lines", "shards", "parquet", "files")

Port = Annotated[StrictInt, Field(ge=1, le=65_535)]


class NodeSettings(Section):
    """One machine. What is not given comes from OpenSSH's config."""

    name: Name
    address: Name | None = None
    user: User | None = None
    port: Port | None = None
    identity: HomePath | None = None
    jump: Line | None = None
    tags: tuple[Name, ...] = ()
    root: NodePath = ""
    environment: dict[EnvironmentName, Line] = Field(default_factory=dict, repr=False)
    disks: tuple[NodePath, ...] = ()
    sync_disabled: StrictBool = False  # nothing is synced from it or to it

    @field_validator("jump")
    @classmethod
    def _jump_hosts(cls, value: str | None) -> str | None:
        try:
            for hop in value.split(",") if value is not None else ():
                parse_host(hop.strip())
        except UsageError as error:
            raise ValueError(str(error)) from None
        return value

    @property
    def local(self) -> bool:
        """True where this is the console's own machine."""
        return self.name == LOCAL and self.address is None


def _own_known_hosts() -> tuple[Path, ...]:
    return (Path("~/.ssh/known_hosts").expanduser(),)


class SshSettings(Section):
    """How SSH connections are made. Times in seconds."""

    config: HomePath | None = None  # None: ~/.ssh/config
    known_hosts: tuple[HomePath, ...] = Field(default_factory=_own_known_hosts)
    own_known_hosts: HomePath = Field(default_factory=lambda: places().known_hosts)
    accept_new: tuple[Selector, ...] = ()
    max_handshakes: Annotated[StrictInt, Field(ge=1, le=1000)] = 32
    max_per_address: Annotated[StrictInt, Field(ge=1, le=1000)] = 4
    connect_timeout_s: PositiveDuration = 10.0
    reconnect_timeout_s: PositiveDuration = 2.0
    login_timeout_s: PositiveDuration = 30.0
    prompt_timeout_s: PositiveDuration = 120.0
    keepalive_s: PositiveDuration = 5.0
    keepalive_count: Annotated[StrictInt, Field(ge=1, le=100)] = 3
    allow_legacy: StrictBool = False  # ssh-rsa with SHA-1, CBC: for machines that have nothing else


class DatasetSettings(Section):
    """A named set of data files that is counted."""

    name: Name
    paths: Lines = Field(min_length=1)
    nodes: Selector = "*"
    count: Line = "lines"
    stale_after: PositiveDuration | None = None
    hide_empty: StrictBool = False

    @field_validator("count")
    @classmethod
    def _known_method(cls, value: str) -> str:
        if value in _COUNTS or (value.startswith("sqlite:") and len(value) > len("sqlite:")):
            return value
        raise ValueError("wanted lines, shards, sqlite:TABLE, parquet or files")

    @field_validator("paths")
    @classmethod
    def _no_options(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not path or path.startswith("-") for path in value):
            raise ValueError("wanted paths that are not empty and do not start with '-'")
        return value

    @property
    def watch(self) -> DatasetWatch:
        return DatasetWatch(self.name, self.paths, self.count)


def _form(value: Any) -> str:
    return "<reference>" if isinstance(value, (Secret, dict)) else "<text>"


class WebhookSettings(Section):
    """One POST of JSON for each alert that begins or ends."""

    url: Annotated[
        Annotated[Line, Tag("<text>")] | Annotated[Secret, Tag("<reference>")],
        Discriminator(_form),
        Field(repr=False),  # one written out is often a secret itself: who knows it can post
    ]
    token: Secret | None = None  # sent as `Authorization: Bearer`
    timeout_s: PositiveDuration = 10.0

    @field_validator("url")
    @classmethod
    def _web(cls, value: str | Secret) -> str | Secret:
        if isinstance(value, str) and not value.startswith(("https://", "http://")):
            raise ValueError("wanted an https:// or http:// address")
        return value


class NotifySettings(Section):
    """Who is told when an alert begins or ends, beside the screen."""

    command: tuple[Line, ...] = ()  # argv; the alert comes as JSON on its standard input
    timeout_s: PositiveDuration = 10.0
    webhook: WebhookSettings | None = None
    kinds: tuple[Name, ...] = ()  # only these kinds of alert; empty: all


def _joined(value: Any) -> Any:
    return ",".join(value) if isinstance(value, list) and value else value


KeyList = Annotated[Line, BeforeValidator(_joined)]  # "q,ctrl+q"


class UiSettings(Section):
    """The screen."""

    theme: Line = "quarterdeck"
    ascii: StrictBool = False
    layout: Literal["auto", "panes", "table"] = "auto"
    sort: Line | None = None
    columns: tuple[Name, ...] = ()
    mouse: StrictBool = True
    keys: dict[Name, KeyList] = Field(default_factory=dict)  # action: its keys


class RetentionSettings(Section):
    """How much is kept: by the console of what it could ask again, by the nodes of what is over."""

    dataset_history: PositiveDuration = 2 * 86_400.0
    runs: Annotated[StrictInt, Field(ge=1, le=10_000)] = 20  # that are over, of each name
    logs: Size = 2 * 1024**3  # bytes, on each node
    log_cache: Size = 2 * 1024**3  # bytes, of logs kept on the console's machine


class Settings(Section):
    """All settings of one console."""

    nodes: tuple[NodeSettings, ...] = ()
    ssh: SshSettings = Field(default_factory=SshSettings)  # asks where HOME is
    datasets: tuple[DatasetSettings, ...] = ()
    presets: tuple[PresetSettings, ...] = ()
    alerts: AlertSettings = AlertSettings()
    notify: NotifySettings = NotifySettings()
    ui: UiSettings = UiSettings()
    retention: RetentionSettings = RetentionSettings()
    interval: Annotated[float, BeforeValidator(duration_s), Field(ge=0.2, le=3600)] = 1.0
    count_interval: Annotated[float, BeforeValidator(duration_s), Field(ge=1, le=86_400)] = 10.0
    read_only: StrictBool = False
    jobs: tuple[JobSettings, ...] = ()
    sync_disabled: StrictBool = False  # nothing is synced from this machine or to it
    training: TrainingSettings = TrainingSettings()

    @field_validator("jobs")
    @classmethod
    def _fitting(cls, value: tuple[JobSettings, ...], info: ValidationInfo) -> Any:
        datasets = info.data.get("datasets")
        if datasets is not None:  # else the fault is there
            check_jobs(value, frozenset(dataset.name for dataset in datasets))
        return value

    def sync_off(self, node: str) -> str:
        """Why nothing is synced from a node ("": this machine) or to it, in words; "" where nothing forbids it."""
        entry = next((each for each in self.nodes if each.name == node), None)
        if entry is not None and entry.sync_disabled:
            return f"{node}: its settings say sync_disabled"
        here = entry.local if entry is not None else node in ("", LOCAL)
        return "this machine: the settings say sync_disabled" if here and self.sync_disabled else ""

    def node_specs(self) -> tuple[NodeSpec, ...]:
        """The nodes to watch, in the settings' order; this machine where none is configured."""
        if not self.nodes:
            return (self.spec_of(NodeSpec(LOCAL, Transport.LOCAL)),)
        return tuple(self.spec_of(_spec(node)) for node in self.nodes)

    def spec_of(self, spec: NodeSpec) -> NodeSpec:
        """`spec` with the datasets whose selector takes it."""
        watches = (d.watch for d in self.datasets if selects(d.nodes, spec.name, spec.tags))
        hidden = frozenset(d.name for d in self.datasets if d.hide_empty)
        return replace(spec, datasets=tuple(watches), hidden_while_empty=hidden)

    def alert_rules(self) -> AlertRules:
        """The rules for the fleet store, the datasets' `stale_after` among them."""
        changed: dict[str, Any] = {name: self._rule(name) for name in RULES}
        stale = ((d.name, d.stale_after) for d in self.datasets if d.stale_after is not None)
        return AlertRules(**changed, stale_after=tuple(stale))

    def _rule(self, name: str) -> Any:
        setting: RuleSettings = getattr(self.alerts, name)
        given = {
            "limit": setting.limit,
            "for_s": setting.for_,
            "clear_s": setting.clear,
            "enabled": setting.enabled,
        }
        rule = getattr(AlertRules(), name)
        return replace(rule, **{key: value for key, value in given.items() if value is not None})


def _spec(node: NodeSettings) -> NodeSpec:
    return NodeSpec(
        name=node.name,
        transport=Transport.LOCAL if node.local else Transport.SSH,
        address=None if node.local else node.address,
        user=node.user,
        port=node.port,
        identity=None if node.identity is None else str(node.identity),
        jump=node.jump,
        tags=node.tags,
        root=node.root,
        environment=tuple(node.environment.items()),
        disks=node.disks,
    )
