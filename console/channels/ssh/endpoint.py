"""One hop of the way to a node, with every option that matters worked out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_PORT = 22


@dataclass(frozen=True)
class Algorithms:
    """What ssh_config says of algorithms, as it is written there; None = our defaults."""

    kex: str | None = None
    ciphers: str | None = None
    macs: str | None = None
    host_key: str | None = None


@dataclass(frozen=True)
class Identities:
    """The keys to offer, in order."""

    files: tuple[Path, ...] = ()
    certificates: tuple[Path, ...] = ()
    explicit: bool = False  # named by a person: a file that cannot be used is an error
    only: bool = False  # nothing else of the agent is offered
    agent: str | None = None  # socket path; None = no agent
    agent_origin: str = "SSH_AUTH_SOCK"  # where that path came from


@dataclass(frozen=True)
class KnownHostsFiles:
    """Where host keys are looked up, besides our own file."""

    trusted: tuple[Path, ...] = ()
    revoked: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Endpoint:
    """A host to log in to. `alias` is the word it was called by, `host` what is connected to."""

    alias: str
    host: str
    port: int
    user: str
    host_key_alias: str | None = None
    identities: Identities = field(default_factory=Identities)
    known_hosts: KnownHostsFiles = field(default_factory=KnownHostsFiles)
    algorithms: Algorithms = field(default_factory=Algorithms)
    proxy_command: tuple[str, ...] = ()
    family: int = 0  # socket.AF_UNSPEC
    bind_address: str | None = None
    compression: bool | None = None
    rekey: tuple[object, object] = ((), ())
    environment: tuple[tuple[str, str], ...] = ()
    methods: tuple[str, ...] = ()  # PreferredAuthentications; () = the defaults
    public_key: bool = True
    password: bool = True
    keyboard: bool = True

    @property
    def known_name(self) -> str:
        """The name known_hosts lists it under, as OpenSSH writes it."""
        if self.host_key_alias:
            return self.host_key_alias.lower()
        host = self.host.lower()
        return host if self.port == DEFAULT_PORT else f"[{host}]:{self.port}"

    @property
    def words(self) -> str:
        """How it is named in sentences."""
        place = self.host if self.port == DEFAULT_PORT else f"{self.host}:{self.port}"
        return place if self.alias in (self.host, place) else f"{self.alias} ({place})"


@dataclass(frozen=True)
class Route:
    """The hops to a node, the node itself last; the others are bastions."""

    hops: tuple[Endpoint, ...]

    @property
    def end(self) -> Endpoint:
        """The node itself."""
        return self.hops[-1]

    @property
    def bastions(self) -> tuple[Endpoint, ...]:
        """What is passed through, in order."""
        return self.hops[:-1]
