"""What all SSH nodes share: limits, name look-ups, bastions, host key policy, questions to the person."""

from __future__ import annotations

import asyncio
import logging
import random
import warnings
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import asyncssh

from console.channels.prompt import Prompter, Prompts
from console.channels.ssh.bastions import Bastions, Hops, Tunnel
from console.channels.ssh.compare import Difference, differences
from console.channels.ssh.connection import Connection
from console.channels.ssh.endpoint import Endpoint, Route
from console.channels.ssh.failures import ClosedBeforeGreeting, still_throttled, throttled
from console.channels.ssh.handshake import Desk, Handshake, Visit
from console.channels.ssh.host_keys import HostKeyPolicy
from console.channels.ssh.known_hosts import KnownHosts
from console.channels.ssh.limiter import Limiter
from console.channels.ssh.routes import GLOBAL_KNOWN_HOSTS, find_route
from console.channels.ssh.threads import Threads
from console.channels.ssh.trust import OwnKnownHosts
from console.channels.ssh.unattended import unattended
from console.channels.unattended import Unattended
from console.errors import LinkError
from console.fleet.model import HostKey, NodeSpec
from console.settings.model import SshSettings
from console.settings.selectors import selects

_LOOKUPS = 32
_KEY_WORK = 2
_UNHEARD_AGAIN_S = (0.5, 1.5)
THROTTLED_FOR_S = 60.0

# asyncssh logs, and warns of what a server made it use; a console's screen must not be written over.
logging.getLogger("asyncssh").addHandler(logging.NullHandler())
warnings.filterwarnings("ignore", module=r"asyncssh\.")


class SshNetwork:
    """Opens connections for the dialers of all nodes. Make it inside the event loop; `close` it."""

    def __init__(self, settings: SshSettings, prompter: Prompter | None = None) -> None:
        self.settings = settings
        self.own = OwnKnownHosts(settings.own_known_hosts)
        self._bastions = Bastions()
        self._throttled: dict[Hops, float] = {}  # the loop's time of the next try
        self._desk = Desk(
            settings=settings,
            prompts=Prompts(prompter, settings.prompt_timeout_s),
            limiter=Limiter(settings.max_handshakes, settings.max_per_address),
            own=self.own,
            names=Threads("qd-names", _LOOKUPS),
            key_work=Threads("qd-keys", _KEY_WORK),
        )

    async def route(self, spec: NodeSpec) -> Route:
        """The hops to a node, from its entry and ssh_config. Raises LinkError."""
        return await self._desk.names.run(partial(find_route, spec, self.settings))

    async def unattended(self, spec: NodeSpec) -> Unattended:
        """The way of OpenSSH to a node, for work that asks nobody. Raises LinkError."""
        return await unattended(
            await self.route(spec), self.settings, self._desk.key_work, self._desk.askers
        )

    def open(self, hops: Hops, visit: Visit) -> Connection:
        """Begins to open a connection to the last of `hops`."""
        return Connection(partial(self._open, hops, visit), hops[-1].words)

    def trust(self, host_key: HostKey, fingerprint: str | None = None) -> None:
        """Writes a host key a person compared into our own file. Raises Refused."""
        files = (*self.settings.known_hosts, *map(Path, GLOBAL_KNOWN_HOSTS), self.own.path)
        self.own.trust(host_key, KnownHosts(files), fingerprint)
        self._bastions.forget_failures()

    async def differences(self, spec: NodeSpec) -> tuple[Difference, ...]:
        """What OpenSSH would do differently for a node, in words. Raises LinkError."""
        return await differences(spec, await self.route(spec), self.settings)

    def policy(self, endpoint: Endpoint, spec: NodeSpec) -> HostKeyPolicy:
        """What is trusted of an endpoint on the way to a node."""
        known = KnownHosts.of(endpoint.known_hosts, self.own.path)
        chosen = any(selects(each, spec.name, spec.tags) for each in self.settings.accept_new)
        accept: Callable[[HostKey], None] | None = None
        if chosen:
            accept = partial(self.own.trust, known=known)
        return HostKeyPolicy(endpoint, known, self.settings.allow_legacy, accept)

    def retrying(self) -> None:
        """A person asks for another try: answers kept for a moment are dropped."""
        self._throttled.clear()
        self._bastions.forget_failures()

    async def close(self) -> None:
        """Ends the bastions' connections and forgets opened keys."""
        await self._bastions.close()
        self._desk.opened.clear()

    async def _open(
        self, hops: Hops, visit: Visit, stack: AsyncExitStack
    ) -> asyncssh.SSHClientConnection:
        before = hops[:-1]
        tunnel: Tunnel | None = None
        if before:
            visit.progress(f"through {before[-1].alias}")
            start = partial(self.open, before, visit)
            shared = await stack.enter_async_context(self._bastions.share(before, start))
            tunnel = Tunnel(shared, before[-1].words)
        self._respect_throttle(hops)
        try:
            return await self._try(hops, visit, tunnel, stack)
        except ClosedBeforeGreeting:
            # A server that drops one of many at random takes the next; one that punishes does not.
            await asyncio.sleep(random.uniform(*_UNHEARD_AGAIN_S))  # noqa: S311
        try:
            return await self._try(hops, visit, tunnel, stack)
        except ClosedBeforeGreeting:
            self._throttled[hops] = asyncio.get_running_loop().time() + THROTTLED_FOR_S
            raise LinkError(throttled(hops[-1].words)) from None

    def _respect_throttle(self, hops: Hops) -> None:
        left = self._throttled.get(hops, 0.0) - asyncio.get_running_loop().time()
        if left > 0:
            raise LinkError(still_throttled(hops[-1].words, left))
        self._throttled.pop(hops, None)

    async def _try(
        self, hops: Hops, visit: Visit, tunnel: Tunnel | None, stack: AsyncExitStack
    ) -> asyncssh.SSHClientConnection:
        endpoint, first = hops[-1], hops[0]
        policy = self.policy(endpoint, visit.spec)
        async with self._desk.limiter.address(f"{first.host}:{first.port}"):
            visit.progress("connecting")
            return await Handshake(self._desk, endpoint, visit, policy, stack).run(tunnel)
