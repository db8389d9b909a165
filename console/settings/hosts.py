"""A node as it is typed: `a`, `user@c:2222`, `[::1]:22`, `local`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from console.errors import UsageError
from console.fleet.model import NodeSpec, Transport
from console.settings.values import checked_name, checked_user, is_ipv6

LOCAL = "local"


def parse_host(text: str) -> NodeSpec:
    """The node that `[user@]host[:port]` or `[user@][IPv6][:port]` names. Raises UsageError."""
    user, at, rest = text.rpartition("@")
    host, port = _host_and_port(rest, text)
    try:
        if at:
            checked_user(user)
        checked_name(host)
    except ValueError as error:
        raise UsageError(f"'{text}' is not a host: {error}") from None
    if text == LOCAL:
        return NodeSpec(LOCAL, Transport.LOCAL)
    return NodeSpec(name=host, address=host, user=user if at else None, port=port)


def parse_hosts(texts: Iterable[str]) -> tuple[NodeSpec, ...]:
    """Each host once; two ports or users of one host get names of their own (`c`, `c-2223`)."""
    found: dict[str, NodeSpec] = {}
    for text in texts:
        spec = parse_host(text)
        known = {(other.address, other.user, other.port) for other in found.values()}
        if (spec.address, spec.user, spec.port) not in known:
            name = _free_name(spec, found)
            found[name] = replace(spec, name=name)
    return tuple(found.values())


def _free_name(spec: NodeSpec, taken: dict[str, NodeSpec]) -> str:
    # An IPv6 address is itself no prefix of a name, so its colons become dashes here only.
    stem = spec.name.replace(":", "-").strip("-")
    candidates = [spec.name]
    if spec.port is not None:
        candidates.append(f"{stem}-{spec.port}")
    if spec.user is not None:
        candidates.append(f"{spec.user.lstrip('_')}-{stem}")
        candidates.append(f"{spec.user.lstrip('_')}-{stem}-{spec.port or 22}")
    candidates.extend(f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in candidates if name not in taken)


def _host_and_port(rest: str, text: str) -> tuple[str, int | None]:
    if is_ipv6(rest):
        return rest, None
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        if not bracket or not is_ipv6(host) or (tail and not tail.startswith(":")):
            raise UsageError(f"'{text}' is not a host: wanted [IPv6] or [IPv6]:port")
        return host, _port(tail[1:], text) if tail else None
    host, colon, port = rest.partition(":")
    return host, _port(port, text) if colon else None


def _port(port: str, text: str) -> int:
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65_535):
        raise UsageError(f"'{text}' is not a host: wanted a port from 1 to 65535")
    return int(port)
