"""A laptop changes networks: when an address of this machine comes or goes, every session looks at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping

from console.sessions.session import Session

SETTLES_S = 0.5  # one change of network is several changes of addresses

_ROUTE_FAMILY = 0  # NETLINK_ROUTE
_ADDRESS_GROUPS = 0x10 | 0x100  # RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR: linux/rtnetlink.h
_READ_BYTES = 64 * 1024


async def follow_addresses(sessions: Mapping[str, Session]) -> None:
    """Tells the sessions of each change, until cancelled. Returns at once where the system cannot tell:
    there a dead link is found by its silence."""
    source = _open()
    if source is None:
        return
    loop = asyncio.get_running_loop()
    with source:
        while True:
            with contextlib.suppress(OSError):  # more happened than the socket holds: a change too
                await loop.sock_recv(source, _READ_BYTES)
            await asyncio.sleep(SETTLES_S)
            _drain(source)
            for session in tuple(sessions.values()):
                session.network_changed()


def _open() -> socket.socket | None:
    try:
        source = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _ROUTE_FAMILY)
    except (AttributeError, OSError):
        return None
    try:
        source.setblocking(False)
        source.bind((0, _ADDRESS_GROUPS))
    except OSError:
        source.close()
        return None
    return source


def _drain(source: socket.socket) -> None:
    with contextlib.suppress(OSError):  # BlockingIOError: that was all
        while source.recv(_READ_BYTES):
            pass
