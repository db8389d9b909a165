"""Every option of an asyncssh connection, written out: nothing is left to a default or to a config file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncssh

from console.channels.ssh.algorithms import offered
from console.channels.ssh.endpoint import Endpoint
from console.channels.ssh.host_keys import HostKeyPolicy
from console.settings.model import SshSettings

_METHODS = ("publickey", "keyboard-interactive", "password")  # in OpenSSH's order


def connection_options(
    endpoint: Endpoint,
    settings: SshSettings,
    policy: HostKeyPolicy,
    keys: list[asyncssh.SSHKeyPair],
    rotated: Callable[..., Any],
) -> dict[str, Any]:
    """The keywords of `asyncssh.connect`, apart from where to and who looks after it.

    Raises ValueError where ssh_config names algorithms that do not exist.
    """
    return {
        "config": None,
        "host": endpoint.host,
        "port": endpoint.port,
        "username": endpoint.user,
        **_trust(endpoint, policy, rotated),
        **_identity(endpoint, keys),
        **_limits(endpoint, settings),
        **_forwarding(),
        **offered(endpoint.algorithms, settings.allow_legacy),
    }


def session_options(endpoint: Endpoint) -> dict[str, Any]:
    """The keywords of `create_session`: bytes, no terminal, nothing of our environment."""
    return {
        "env": dict(endpoint.environment),
        "send_env": None,
        "request_pty": False,
        "x11_forwarding": False,
        "encoding": None,
    }


def _trust(
    endpoint: Endpoint, policy: HostKeyPolicy, rotated: Callable[..., Any]
) -> dict[str, Any]:
    return {
        "known_hosts": policy.match,  # never None: that would trust everybody
        "host_key_alias": endpoint.host_key_alias,
        "server_host_key_algs": policy.algorithms(),
        "server_host_keys_handler": rotated if policy.trusts_by_key else None,
        "x509_trusted_certs": None,
        "x509_trusted_cert_paths": [],
        "canonicalize_hostname": False,  # done when the route was found
    }


def _identity(endpoint: Endpoint, keys: list[asyncssh.SSHKeyPair]) -> dict[str, Any]:
    return {
        # An empty list would mean "the default files"; the agent's keys are among ours already.
        "client_keys": keys or None,
        "client_certs": (),
        "agent_path": None,
        "agent_identities": None,
        "pkcs11_provider": None,
        "client_host_keysign": False,
        "client_host_keys": None,
        "host_based_auth": False,
        "public_key_auth": endpoint.public_key,
        "password_auth": endpoint.password,
        "kbdint_auth": endpoint.keyboard,
        "preferred_auth": list(endpoint.methods or _METHODS),
        "gss_host": None,
        "gss_kex": False,
        "gss_auth": False,
        "gss_delegate_creds": False,
    }


def _limits(endpoint: Endpoint, settings: SshSettings) -> dict[str, Any]:
    compression = ["zlib@openssh.com", "zlib", "none"] if endpoint.compression else ["none"]
    rekey_bytes, rekey_seconds = endpoint.rekey
    return {
        # Our own deadlines know the stage and stand still while a person is asked.
        "connect_timeout": None,
        "login_timeout": 0,
        "keepalive_interval": settings.keepalive_s,
        "keepalive_count_max": settings.keepalive_count,
        "tcp_keepalive": True,
        "compression_algs": compression,
        "rekey_bytes": rekey_bytes,
        "rekey_seconds": rekey_seconds,
        "utf8_decode_errors": "replace",
    }


def _forwarding() -> dict[str, Any]:
    return {
        "proxy_command": None,
        "agent_forwarding": False,
        "x11_forwarding": False,
        "request_pty": False,
        "command": None,
        "env": None,
        "send_env": None,
        "encoding": None,
    }
