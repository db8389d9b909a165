"""The way to a node for work that runs without a person: OpenSSH's command, and whether it would have to ask."""

from __future__ import annotations

from collections.abc import Container
from contextlib import AsyncExitStack
from typing import NoReturn

from console.channels.ssh.command import unattended_command
from console.channels.ssh.endpoint import Endpoint, Route
from console.channels.ssh.keys import LockedFile, LockedKeyPair, gather
from console.channels.ssh.threads import Threads
from console.channels.unattended import Unattended
from console.settings.model import SshSettings


async def unattended(
    route: Route, settings: SshSettings, threads: Threads, asked: Container[str]
) -> Unattended:
    """Nothing is connected; `asked` are the hosts whose last login asked a person. Raises LinkError where a key that was named cannot be used."""
    command = tuple(unattended_command(route, settings))
    for hop in route.hops:
        problem = await _question(hop, threads)
        if not problem and hop.known_name in asked:
            problem = f"asks a person at {hop.words}: its last login did"
        if problem:
            return Unattended(command, problem)
    return Unattended(command)


async def _question(hop: Endpoint, threads: Threads) -> str:
    async with AsyncExitStack() as stack:
        offer = await gather(hop.identities, stack, threads, _ask_nobody)
        if any(not isinstance(pair, LockedKeyPair) for pair in offer.pairs):
            return ""
        locked = [str(pair.file.path) for pair in offer.pairs if isinstance(pair, LockedKeyPair)]
    if locked:
        names = ", ".join(dict.fromkeys(locked))
        return f"asks for a passphrase: {names} at {hop.words}; `ssh-add` it"
    if not hop.public_key or hop.password or hop.keyboard:
        return f"asks for a password at {hop.words}: there is no key for it here"
    return ""


async def _ask_nobody(file: LockedFile) -> NoReturn:
    raise ValueError(f"{file.path} is encrypted")
