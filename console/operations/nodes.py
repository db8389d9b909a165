"""Nodes: trust, retry, add, remove, check, uninstall, and the way into a shell there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from console.channels.dialers import Dialers
from console.errors import LinkError, Refused, SettingsError, UsageError
from console.fleet.changes import Change, NodeChanged
from console.fleet.model import Attention, Connecting, Down, HostKey, Node, NodeSpec, Transport
from console.fleet.store import FleetStore
from console.operations import check
from console.operations.acts import Acts
from console.operations.check import CheckReport, Finding, Level
from console.operations.ledger import LedgerOperations
from console.settings.load import Loaded
from console.settings.nodes_file import NodesFile
from workers.protocol import Uninstall, UninstallReport

CHECK_WAIT_S = 15.0
UNINSTALL_S = 30.0


class Fleet(Protocol):
    """What this room needs of the runtime."""

    store: FleetStore
    loaded: Loaded
    ledger: LedgerOperations

    @property
    def roads(self) -> Dialers: ...

    async def add_node(self, spec: NodeSpec) -> None: ...

    async def remove_node(self, name: str) -> None: ...

    async def drop_node(self, name: str) -> bool: ...

    async def forget_node(self, name: str) -> None: ...

    def retry(self, node: str) -> None: ...


class NodeOperations:
    def __init__(self, acts: Acts, fleet: Fleet) -> None:
        self._acts = acts
        self._fleet = fleet

    # ------------------------------------------------------------ links

    async def trust(
        self, node: str, host_key: HostKey | None = None, fingerprint: str | None = None
    ) -> HostKey:
        """Trusts the host key that the node waits with, and tries again.

        `host_key` is the one a person looked at, `fingerprint` ("SHA256:…") the one they named; the key
        that waits must be that one. Raises Refused, UsageError.
        """
        waiting = self._waiting_key(node)
        if host_key is not None and host_key != waiting:
            raise Refused(f"{node}: another host key waits now ({waiting.fingerprint})")
        argv = [waiting.name, waiting.algorithm, waiting.fingerprint]
        async with self._acts.action(node, "nodes.trust", argv):
            network = self._fleet.roads.network
            await asyncio.to_thread(network.trust, waiting, fingerprint)
        self._fleet.retry(node)
        return waiting

    def retry(self, node: str) -> None:
        """Tries to reach a node now. Raises UsageError."""
        self._acts.session(node)
        if self._node(node).spec.transport is Transport.SSH:
            self._fleet.roads.network.retrying()
        self._fleet.retry(node)

    def ssh_command(self, node: str) -> list[str]:
        """The words that open a shell there; the user's own shell for this machine.

        Raises Refused while read-only, LinkError, UsageError.
        """
        spec = self._node(node).spec
        with self._acts.recorded(node, "nodes.shell", []):
            if spec.transport is Transport.MEMORY:
                raise Refused(f"{node} is scripted: there is no machine to open a shell on")
            if spec.transport is not Transport.SSH:
                return [os.environ.get("SHELL") or "/bin/sh"]
            from console.channels.ssh.command import ssh_command

            return ssh_command(spec, self._fleet.loaded.settings.ssh)

    # ------------------------------------------------------------ the list of nodes

    async def add(self, spec: NodeSpec) -> None:
        """Writes a node into the settings and watches it. Raises Refused, SettingsError."""
        loaded = self._fleet.loaded
        argv = [spec.name, *filter(None, (spec.address, spec.user))]
        async with self._acts.action("", "nodes.add", argv):
            if any(node.name == spec.name for node in loaded.settings.nodes):
                raise SettingsError(f"{_written(loaded, spec.name)}: {spec.name} is there already")
            await asyncio.to_thread(NodesFile(_nodes_file(loaded)).add, spec)
        await self._fleet.add_node(loaded.settings.spec_of(spec))

    async def remove(self, name: str, force: bool = False) -> bool:
        """Takes a node out of the settings and watches it no more; nothing changes on the node.

        True where workers live there, so that it stays listed as detached. Raises Refused, also where data of
        it were last known to be nowhere else, unless `force`; SettingsError where it is not written in the
        file that `add` writes.
        """
        loaded = self._fleet.loaded
        async with self._acts.action("", "nodes.remove", [name]):
            if not force:
                self._fleet.ledger.refuse_remembered(name)
            file = _nodes_file(loaded)
            place = _written(loaded, name)
            if place and place.rpartition(":")[0] != str(file):
                raise SettingsError(f"{place}: {name} is written here; take it out by hand")
            await asyncio.to_thread(NodesFile(file).remove, name)
        return await self._fleet.drop_node(name)

    async def forget(self, name: str, force: bool = False) -> None:
        """Lists a detached node no more, with what was known of its workers; they live on.

        Raises Refused, also where data of it were last known to be nowhere else, unless `force`; UsageError
        where it is not detached.
        """
        node = self._fleet.store.nodes.get(name)
        if node is None or node.state != "detached":
            raise UsageError(f"{name} is not a detached node; `nodes remove` takes one out")
        async with self._acts.action("", "nodes.forget", [name]):
            if not force:
                self._fleet.ledger.refuse_remembered(name)
            await self._fleet.forget_node(name)

    # ------------------------------------------------------------ looking into it

    async def check(self, node: str, wait_s: float = CHECK_WAIT_S) -> CheckReport:
        """What is wrong with a node, in words; waits until it answered or did not. Raises UsageError."""
        self._acts.session(node)
        found = await self._settled(node, wait_s)
        findings = [*check.link_findings(found), *await self._way(found)]
        findings += check.agent_findings(found)
        return CheckReport(node, found.state, tuple(findings))

    async def _way(self, node: Node) -> list[Finding]:
        """How it is reached, and what OpenSSH would do otherwise."""
        if node.spec.transport is not Transport.SSH:
            return check.transport_findings(node)
        from console.channels.ssh.compare import differences

        network = self._fleet.roads.network
        try:
            route = await network.route(node.spec)
        except LinkError as error:
            return [Finding(Level.ERROR, "way", error.problem.text, error.problem.remedy)]
        way = " → ".join(hop.words for hop in (*route.bastions, route.end))
        found = [Finding(Level.OK, "way", way)]
        for difference in await differences(node.spec, route, network.settings):
            found.append(Finding(Level.NOTE, difference.option, difference.text))
        return found

    async def uninstall(
        self, node: str, confirm: bool = False, force: bool = False
    ) -> UninstallReport:
        """What our agent keeps on a node; with `confirm` it is removed, and the node left alone until the
        console starts again (connecting would bring the agent back).

        Raises Refused, also where its data are not all elsewhere or that is unknown, unless `force`;
        RequestFailed (nothing was done), RequestLost (unknown), UsageError.
        """
        self._acts.session(node)
        if not confirm:
            listed: UninstallReport = await self._acts.ask(node, Uninstall(), UNINSTALL_S)
            return listed
        async with self._acts.action(node, "nodes.uninstall", ["force"] if force else []) as act:
            if not force:
                await self._fleet.ledger.refuse_unsafe(node)
            report: UninstallReport = await self._acts.ask(node, Uninstall(True), UNINSTALL_S)
            act.result = f"{len(report.paths)} removed, {len(report.kept)} left"
        await self._fleet.remove_node(node)
        return report

    # ------------------------------------------------------------ within

    def _node(self, name: str) -> Node:
        self._acts.session(name)
        return self._fleet.store.nodes[name]

    def _waiting_key(self, name: str) -> HostKey:
        link = self._node(name).link
        key = link.problem.host_key if isinstance(link, Attention) else None
        if key is None:
            raise UsageError(f"{name}: no host key waits for trust")
        return key

    async def _settled(self, name: str, wait_s: float) -> Node:
        """The node once it answered with a sample, or when there is a reason or no time left."""
        store = self._fleet.store
        changed = asyncio.Event()

        def heard(change: Change) -> None:
            if isinstance(change, NodeChanged) and change.node == name:
                changed.set()

        unsubscribe = store.subscribe(heard)
        try:
            await asyncio.wait_for(_until(lambda: _is_settled(store.nodes[name]), changed), wait_s)
        except asyncio.TimeoutError:
            pass
        finally:
            unsubscribe()
        return store.nodes[name]


async def _until(holds: Callable[[], bool], changed: asyncio.Event) -> None:
    while not holds():
        changed.clear()
        await changed.wait()


def _is_settled(node: Node) -> bool:
    if isinstance(node.link, (Down, Attention)):
        return True
    return not isinstance(node.link, Connecting) and node.sample is not None


def _nodes_file(loaded: Loaded) -> Path:
    if loaded.sources is None:
        raise SettingsError("these settings come from no file; nothing can be written to them")
    return loaded.sources.nodes_file


def _written(loaded: Loaded, name: str) -> str:
    """`file:line` of a configured node, "" where it is not configured."""
    return loaded.origins.get(f"nodes.{name}.name", "")
