"""From a node's entry and ssh_config to the hops that lead there, each option settled."""

from __future__ import annotations

import getpass
import os
import re
import shlex
from pathlib import Path
from typing import Any

from asyncssh.config import ConfigParseError

from console.channels.ssh.endpoint import (
    DEFAULT_PORT,
    Algorithms,
    Endpoint,
    Identities,
    KnownHostsFiles,
    Route,
)
from console.channels.ssh.failures import problem
from console.channels.ssh.openssh_config import OpenSshConfig, default_files, read
from console.errors import LinkError, UsageError
from console.fleet.model import NodeSpec, ProblemKind
from console.settings.hosts import parse_host
from console.settings.model import SshSettings
from console.settings.values import checked_name, checked_user

GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_DEFAULT_KEYS = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")
_MOST_HOPS = 8
_SILENCING = re.compile(r"\s2>\s*(/dev/null|&1)")
_OPERATORS = frozenset("();<>|&")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh"})


def find_route(spec: NodeSpec, settings: SshSettings) -> Route:
    """The hops to a node. Blocks (files, `Match exec`): call it in a thread. Raises LinkError."""
    try:
        return Route(_hops(spec, settings))
    except (UsageError, ConfigParseError, ValueError, OSError) as exc:
        raise LinkError(
            problem(
                ProblemKind.CONFIGURATION, f"ssh configuration: {exc}", "Correct it; then retry."
            )
        ) from exc


def target(spec: NodeSpec) -> str:
    """The word that is given to ssh for this node."""
    return spec.address or spec.name


def _hops(spec: NodeSpec, settings: SshSettings) -> tuple[Endpoint, ...]:
    own_identity = Path(spec.identity).expanduser() if spec.identity else None
    config = _read(settings, target(spec), spec.user, spec.port)
    end = _endpoint(settings, config, target(spec), spec.user, spec.port, own_identity)
    jump = spec.jump if spec.jump is not None else config.get("ProxyJump")
    if not isinstance(jump, str) or jump.lower() == "none":
        return (end,)
    way = _bastions(settings, jump, {end.alias}, own_identity if spec.jump else None)
    return (*way, end)


def _bastions(
    settings: SshSettings, jump: str, passed: set[str], spare: Path | None
) -> tuple[Endpoint, ...]:
    """The hops of a ProxyJump value; the first may need hops of its own. `spare` is one more key to offer."""
    hops: list[Endpoint] = []
    for position, item in enumerate(jump.split(",")):
        bastion = parse_host(item.strip().removeprefix("ssh://"))
        user, host, port = bastion.user, bastion.address or bastion.name, bastion.port
        if host in passed:  # `Host *` with ProxyJump names the bastion for itself too
            continue
        if len(passed) > _MOST_HOPS:
            raise ValueError(f"ProxyJump {jump}: more than {_MOST_HOPS} hops")
        passed = passed | {host}
        config = _read(settings, host, user, port)
        onward = config.get("ProxyJump")
        if position == 0 and isinstance(onward, str):
            hops.extend(_bastions(settings, onward, passed, None))
        hops.append(_endpoint(settings, config, host, user, port, None, spare))
    return tuple(hops)


def _read(settings: SshSettings, host: str, user: str | None, port: int | None) -> OpenSshConfig:
    checked_name(host)
    if user is not None:
        checked_user(user)
    return read(default_files(settings.config), host, getpass.getuser(), user, port)


def _endpoint(
    settings: SshSettings,
    config: OpenSshConfig,
    alias: str,
    user: str | None,
    port: int | None,
    identity: Path | None,
    spare: Path | None = None,
) -> Endpoint:
    host = _text(config, "Hostname") or alias
    login = user or _text(config, "User") or getpass.getuser()
    checked_name(host)
    checked_user(login)
    options: dict[str, Any] = {
        name: config.get(option) for name, option in _PLAIN if config.get(option) is not None
    }
    return Endpoint(
        alias=alias,
        host=host,
        port=port or int(str(config.get("Port", DEFAULT_PORT))),
        user=login,
        identities=_identities(config, identity, spare),
        known_hosts=_known_hosts(config, settings),
        algorithms=Algorithms(
            kex=_text(config, "KexAlgorithms"),
            ciphers=_text(config, "Ciphers"),
            macs=_text(config, "MACs"),
            host_key=_text(config, "HostKeyAlgorithms"),
        ),
        proxy_command=_proxy_command(_text(config, "ProxyCommand"), alias),
        environment=_environment(config.get("SetEnv")),
        methods=tuple((_text(config, "PreferredAuthentications") or "").split(","))
        if _text(config, "PreferredAuthentications")
        else (),
        keyboard=_keyboard(config),
        **options,
    )


_PLAIN = (
    ("host_key_alias", "HostKeyAlias"),
    ("family", "AddressFamily"),
    ("bind_address", "BindAddress"),
    ("compression", "Compression"),
    ("rekey", "RekeyLimit"),
    ("public_key", "PubkeyAuthentication"),
    ("password", "PasswordAuthentication"),
)


def _text(config: OpenSshConfig, option: str) -> str | None:
    value = config.get(option)
    return value if isinstance(value, str) else None


def _keyboard(config: OpenSshConfig) -> bool:
    old = config.get("ChallengeResponseAuthentication", True)
    return bool(config.get("KbdInteractiveAuthentication", old))


def _environment(value: object) -> tuple[tuple[str, str], ...]:
    items = value if isinstance(value, list) else []
    pairs = (item.partition("=") for item in items if "=" in item)
    return tuple((name, text) for name, _, text in pairs)


def _identities(config: OpenSshConfig, identity: Path | None, spare: Path | None) -> Identities:
    agent, origin = _agent(config)
    if identity is not None:
        return Identities((identity,), (), True, True, agent, origin)
    named: Any = config.get("IdentityFile")
    certificates: Any = config.get("CertificateFile", ())
    folder = Path("~/.ssh").expanduser()
    files = [Path(name).expanduser() for name in named] if named is not None else []
    if named is None:
        files = [folder / name for name in _DEFAULT_KEYS if (folder / name).exists()]
    if spare is not None:
        files.insert(0, spare)
    return Identities(
        files=tuple(files),
        certificates=tuple(Path(name).expanduser() for name in certificates),
        only=bool(config.get("IdentitiesOnly")),
        agent=agent,
        agent_origin=origin,
    )


def _agent(config: OpenSshConfig) -> tuple[str | None, str]:
    """(socket path, where it was named)."""
    origin, path = "SSH_AUTH_SOCK", os.environ.get("SSH_AUTH_SOCK")
    named = config.get("IdentityAgent", "SSH_AUTH_SOCK")
    if named is None:
        return None, "IdentityAgent"
    text = str(named)
    if text.startswith("$"):
        origin, path = text, os.environ.get(text[1:].strip("{}"))
    elif text != "SSH_AUTH_SOCK":
        origin, path = "IdentityAgent", str(Path(text).expanduser())
    return path or None, origin


def _known_hosts(config: OpenSshConfig, settings: SshSettings) -> KnownHostsFiles:
    named: Any = config.get("UserKnownHostsFile")  # "none" reads as []: then only the others hold
    everyone: Any = config.get("GlobalKnownHostsFile", GLOBAL_KNOWN_HOSTS)
    revoked: Any = config.get("RevokedHostKeys", ())
    users = settings.known_hosts if named is None else named
    return KnownHostsFiles(
        trusted=tuple(Path(path).expanduser() for path in (*users, *everyone)),
        revoked=tuple(Path(path).expanduser() for path in revoked),
    )


def _proxy_command(text: str | None, alias: str) -> tuple[str, ...]:
    """The command as an argument list: it runs without a shell. Raises ValueError where it needs one."""
    lexer = shlex.shlex(_SILENCING.sub("", text or ""), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words = list(lexer)
    if words[:1] == ["exec"]:
        words = words[1:]
    shell = bool(words) and Path(words[0]).name in _SHELLS
    for word in words:
        if (word and set(word) <= _OPERATORS) or (not shell and set("`$") & set(word)):
            raise ValueError(
                f"ProxyCommand of {alias} needs a shell ({word}); put it into a script and name that"
            )
    return tuple(words)
