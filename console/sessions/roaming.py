"""A laptop changes networks: when an address of this machine comes or goes, every session looks at once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping

from console.sessions.session import Session

SETTLES_S = 0.5  # one change of network is several changes of addresses

_ROUTE_FAMILY = 0  # NETLINK_ROUTE
_ADDRESS_GROUPS = 0x10 | 0x100  # RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR: linux/rtnetlink.h
_MESSAGE = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, sender
_ADDRESS = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix length, flags, scope, interface
_EVERYWHERE = 0  # RT_SCOPE_UNIVERSE; the others do not leave the cable, and containers make many
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
            try:
                news = await loop.sock_recv(source, _READ_BYTES)
            except OSError:  # more happened than the socket holds
                news = None
            if news is None or _matters(news):
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


def _matters(news: bytes) -> bool:
    """Whether an address came or went that can reach beyond its cable."""
    start = 0
    while start + _MESSAGE.size + _ADDRESS.size <= len(news):
        length = _MESSAGE.unpack_from(news, start)[0]
        if _ADDRESS.unpack_from(news, start + _MESSAGE.size)[3] == _EVERYWHERE:
            return True
        start += max(_MESSAGE.size, (length + 3) & ~3)
    return False


def _drain(source: socket.socket) -> None:
    with contextlib.suppress(OSError):  # BlockingIOError: that was all
        while source.recv(_READ_BYTES):
            pass
