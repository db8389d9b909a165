"""One try to reach one endpoint and to log in there, within the limits and deadlines."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import asyncssh

from console.channels.channel import Progress
from console.channels.prompt import Prompts
from console.channels.ssh.bastions import Tunnel
from console.channels.ssh.deadline import Deadline
from console.channels.ssh.endpoint import Endpoint
from console.channels.ssh.failures import ClosedBeforeGreeting, problem
from console.channels.ssh.host_keys import HostKeyPolicy, known_hosts_line
from console.channels.ssh.keys import Offer, gather
from console.channels.ssh.limiter import Limiter
from console.channels.ssh.login import Login
from console.channels.ssh.options import connection_options
from console.channels.ssh.questions import OpenedKeys, Questions
from console.channels.ssh.reach import ProxyProcess, connect_proxy, connect_tcp
from console.channels.ssh.threads import Threads
from console.channels.ssh.trust import OwnKnownHosts
from console.errors import LinkError
from console.fleet.model import NodeSpec, ProblemKind
from console.settings.model import SshSettings

WAY = "the bastion did not open the way"


@dataclass(frozen=True)
class Visit:
    """For whom a connection is opened."""

    spec: NodeSpec
    progress: Progress
    connect_timeout_s: float


@dataclass(frozen=True)
class Desk:
    """What all logins share."""

    settings: SshSettings
    prompts: Prompts
    limiter: Limiter
    own: OwnKnownHosts
    names: Threads
    key_work: Threads
    opened: OpenedKeys = field(default_factory=OpenedKeys)
    askers: set[str] = field(default_factory=set)  # places whose last login asked a person


class Handshake:
    """One try. `owner` is the stack of what must live as long as the connection."""

    def __init__(
        self,
        desk: Desk,
        endpoint: Endpoint,
        visit: Visit,
        policy: HostKeyPolicy,
        owner: AsyncExitStack,
    ) -> None:
        self._desk = desk
        self._endpoint = endpoint
        self._visit = visit
        self._policy = policy
        self._owner = owner
        self._place = desk.limiter.place()
        self._deadline = Deadline(lambda: self._connecting and self._connecting.cancel())
        self._connecting: asyncio.Future[asyncssh.SSHClientConnection] | None = None
        self._proxy: ProxyProcess | None = None

    async def run(self, tunnel: Tunnel | None) -> asyncssh.SSHClientConnection:
        """The connection, logged in. Raises LinkError, ClosedBeforeGreeting."""
        async with AsyncExitStack() as stack:
            stack.callback(self._place.leave)
            questions = self._questions(stack)
            if self._endpoint.known_name in self._desk.askers and questions.possible:
                # Connect when it is our turn to ask: a server waits for answers only so long.
                await questions.take_turn()
            sock = None if tunnel else await self._reach()
            try:
                await self._place.take()
                offer = await gather(
                    self._endpoint.identities, stack, self._desk.key_work, questions.unlock
                )
                login = self._login(questions, offer)
            except BaseException:
                if sock is not None:
                    sock.close()
                raise
            try:
                return await self._log_in(login, offer, sock, tunnel)
            finally:
                self._remember(questions)

    async def _reach(self) -> socket.socket:
        if not self._endpoint.proxy_command:
            timeout_s = self._visit.connect_timeout_s
            return await connect_tcp(self._endpoint, self._desk.names, timeout_s)
        sock, self._proxy = await connect_proxy(self._endpoint, self._owner)
        return sock

    async def _log_in(
        self, login: Login, offer: Offer, sock: socket.socket | None, tunnel: Tunnel | None
    ) -> asyncssh.SSHClientConnection:
        if tunnel is not None:
            self._deadline.arm(WAY, self._desk.settings.connect_timeout_s)
        self._connecting = asyncio.ensure_future(self._connect(login, offer, sock, tunnel))
        try:
            return await self._connecting
        except asyncio.CancelledError as exc:
            if self._deadline.expired is None:
                raise
            raise LinkError(login.explain(exc)) from exc
        except Exception as exc:  # asyncssh raises whatever a server's bytes led it into
            raise self._failure(login, exc) from exc
        finally:
            self._deadline.disarm()
            if sock is not None and not login.started:
                sock.close()

    async def _connect(
        self, login: Login, offer: Offer, sock: socket.socket | None, tunnel: Tunnel | None
    ) -> asyncssh.SSHClientConnection:
        keywords: dict[str, Any] = connection_options(
            self._endpoint, self._desk.settings, self._policy, offer.pairs, self._rotated
        )
        return await asyncssh.connect(
            **keywords, client_factory=lambda: login, sock=sock, tunnel=tunnel
        )

    def _failure(self, login: Login, exc: Exception) -> Exception:
        if isinstance(exc, LinkError):
            return exc
        if isinstance(exc, ValueError) and not login.started:
            words = f"{self._endpoint.words}: {exc}"
            return LinkError(problem(ProblemKind.CONFIGURATION, words))
        if self._proxy is not None and not login.greeted:
            said = self._proxy.words or "it ended without a word"
            words = f"{self._endpoint.words}: ProxyCommand made no connection: {said}"
            return LinkError(problem(ProblemKind.UNREACHABLE, words))
        try:
            return LinkError(login.explain(exc))
        except ClosedBeforeGreeting as closed:
            return closed

    def _questions(self, stack: AsyncExitStack) -> Questions:
        desk = self._desk
        return Questions(
            self._visit.spec.name,
            f"{self._endpoint.user}@{self._endpoint.words}",
            desk.prompts,
            desk.opened,
            desk.key_work,
            self._waiting,
            stack,
        )

    def _login(self, questions: Questions, offer: Offer) -> Login:
        settings = self._desk.settings
        return Login(
            self._endpoint,
            self._policy,
            questions,
            offer,
            self._deadline,
            self._visit.progress,
            settings.connect_timeout_s,
            settings.login_timeout_s,
        )

    @asynccontextmanager
    async def _waiting(self) -> AsyncIterator[None]:
        self._visit.progress("waiting for an answer")
        with self._deadline.stopped():
            async with self._place.lent():
                yield
        self._visit.progress("authenticating")

    def _remember(self, questions: Questions) -> None:
        name = self._endpoint.known_name
        (self._desk.askers.add if questions.asked else self._desk.askers.discard)(name)

    async def _rotated(
        self,
        added: list[asyncssh.SSHKey],
        removed: list[asyncssh.SSHKey],
        retained: list[asyncssh.SSHKey],
        revoked: list[asyncssh.SSHKey],
    ) -> None:
        """The server proved that it holds more keys: the next one it will use is among them."""
        if not retained or not (added or removed):
            return
        name = self._endpoint.known_name
        lines = [known_hosts_line(name, key) for key in added]
        gone = [key.public_data for key in removed]
        await self._desk.key_work.run(partial(self._desk.own.rotate, name, lines, gone))
