"""Argument lists for OpenSSH's own `ssh`, to the same place and with the same trust as ours."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

from console.channels.ssh.endpoint import Endpoint, Route
from console.channels.ssh.routes import find_route, target
from console.fleet.model import NodeSpec
from console.settings.model import SshSettings

_FORWARD_NOTHING = ("-a", "-k", "-x")


def ssh_command(spec: NodeSpec, settings: SshSettings) -> list[str]:
    """`ssh -t` to a node, for a shell. Blocks a moment (ssh_config). Raises LinkError.

    Bastions are passed as a ProxyCommand because `-J` would forget our known_hosts and the key. Nothing is
    forwarded (-a agent, -k Kerberos, -x X11): a node could use it against the others.
    """
    return ["ssh", "-t", *_FORWARD_NOTHING, *_arguments(find_route(spec, settings).hops, settings)]


def unattended_command(route: Route, settings: SshSettings) -> list[str]:
    """`ssh` for work that goes on without a person and without this console; a remote command is appended.

    It asks nothing, trusts no unknown host, uses nobody's shared connection, and names the agent's socket: the
    environment in which it will run has none.
    """
    first = ["ssh", "-T", *_FORWARD_NOTHING]
    return [*first, *_arguments(route.hops, settings, _unattended(settings))]


def query_command(spec: NodeSpec, settings: SshSettings) -> list[str]:
    """`ssh -G`: prints what OpenSSH itself would do for this node, and connects nowhere."""
    options = [*_config(settings)]
    if spec.user:
        options += ["-l", spec.user]
    if spec.port:
        options += ["-p", str(spec.port)]
    if spec.identity:
        options += ["-i", str(Path(spec.identity).expanduser())]
    if spec.jump:
        options += ["-J", spec.jump]
    return ["ssh", "-G", *options, "--", target(spec)]


def _arguments(
    hops: tuple[Endpoint, ...], settings: SshSettings, more: tuple[str, ...] = ()
) -> list[str]:
    """`more`: options for each hop of what runs without a person."""
    end, before = hops[-1], hops[:-1]
    options = [*_config(settings), *more, "-l", end.user, "-p", str(end.port)]
    if more:
        options += ["-o", "IdentityAgent=" + (end.identities.agent or "none").replace("%", "%%")]
    if end.host != end.alias:
        options += ["-o", f"HostName={end.host}"]
    # Of a bastion one more key may be meant than ssh_config has, and its user's home may be another's than ours.
    for path in end.identities.files if end.identities.explicit or more else ():
        options += ["-i", str(path)]
    if end.identities.explicit:
        options += ["-o", "IdentitiesOnly=yes"]
    files = " ".join(_quoted(path) for path in (*end.known_hosts.trusted, settings.own_known_hosts))
    options += ["-o", f"UserKnownHostsFile={files}", "-o", "StrictHostKeyChecking=yes"]
    if before:
        way = ["ssh", *_FORWARD_NOTHING, *_arguments(before, settings, more)]
        way[1:1] = ["-W", f"[{end.host}]:{end.port}"]
        options += ["-o", "ProxyCommand=" + shlex.join(way).replace("%", "%%")]
    elif not end.proxy_command:
        options += ["-o", "ProxyJump=none"]
    return [*options, "--", end.alias]


def _unattended(settings: SshSettings) -> tuple[str, ...]:
    values = {
        "BatchMode": "yes",
        "ControlMaster": "no",
        "ControlPath": "none",
        "ConnectTimeout": math.ceil(settings.connect_timeout_s),
        "ServerAliveInterval": math.ceil(settings.keepalive_s),
        "ServerAliveCountMax": settings.keepalive_count,
        "ClearAllForwardings": "yes",
        "RemoteCommand": "none",  # one of ssh_config would stand in the place of ours
    }
    return tuple(word for name, value in values.items() for word in ("-o", f"{name}={value}"))


def _config(settings: SshSettings) -> list[str]:
    # Without -F OpenSSH reads the user's file and the system's, as we do.
    return [] if settings.config is None else ["-F", str(settings.config)]


def _quoted(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)
