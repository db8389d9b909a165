"""Which dialer reaches a node. The SSH library is loaded when the first SSH node appears, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.channels.channel import Dialer
from console.channels.local import LocalDialer
from console.channels.prompt import Prompter
from console.channels.unattended import Unattended
from console.fleet.model import NodeSpec, Transport

if TYPE_CHECKING:
    from console.channels.ssh.network import SshNetwork
    from console.settings.model import SshSettings


class Dialers:
    """Dialers of one console; its SSH nodes share one network (limits, bastions, host keys, prompts)."""

    def __init__(self, settings: SshSettings, prompter: Prompter | None) -> None:
        self._settings = settings
        self._prompter = prompter
        self._network: SshNetwork | None = None
        self._retired: list[SshNetwork] = []

    def __call__(self, spec: NodeSpec) -> Dialer:
        if spec.transport is Transport.LOCAL:
            return LocalDialer()
        from console.channels.ssh.dialer import SshDialer

        return SshDialer(spec, self.network)

    def load(self) -> None:
        """Imports what SSH nodes need, which takes a moment: call it in a thread."""
        import console.channels.ssh.dialer
        import console.channels.ssh.network  # noqa: F401

    @property
    def network(self) -> SshNetwork:
        """What all SSH nodes share; made at its first use."""
        if self._network is None:
            from console.channels.ssh.network import SshNetwork

            self._network = SshNetwork(self._settings, self._prompter)
        return self._network

    async def unattended(self, spec: NodeSpec) -> Unattended:
        """The way of OpenSSH to a node, for work that asks nobody. Raises LinkError."""
        return await self.network.unattended(spec)

    def use(self, settings: SshSettings) -> None:
        """Dialers made from now on follow these settings; those that are out keep theirs."""
        self._settings = settings
        if self._network is not None:
            self._retired.append(self._network)
            self._network = None

    async def close(self) -> None:
        """Ends what the networks keep."""
        networks = [*self._retired, *([self._network] if self._network else [])]
        self._network, self._retired = None, []
        for network in networks:
            await network.close()
