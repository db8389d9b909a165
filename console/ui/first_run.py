"""The first run: nothing is configured yet, so the hosts of the SSH config are offered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from console.errors import QuarterdeckError
from console.fleet.model import NodeSpec, Transport
from console.ui import registry

if TYPE_CHECKING:
    from console.runtime import Runtime
    from console.ui.app import QuarterdeckApp


def can_offer(runtime: Runtime) -> bool:
    """False for the demo and for a runtime without settings of its own."""
    loaded = getattr(runtime, "loaded", None)
    return loaded is not None and loaded.sources is not None


def is_first_run(runtime: Runtime) -> bool:
    """No settings file was found and no host was named."""
    if not can_offer(runtime):
        return False
    sources = runtime.loaded.sources
    return not runtime.loaded.files and sources is not None and not sources.hosts


async def offer_hosts(app: QuarterdeckApp) -> None:
    """Shows the picker where there is something to pick, and watches what was picked."""
    from console.channels.ssh.hosts import hosts

    names = await asyncio.to_thread(hosts, app.runtime.settings.ssh.config)
    fresh = [name for name in names if name not in app.runtime.store.nodes]
    if not fresh:
        return
    picked = await app.push_screen_wait(registry.PICKER.make(fresh))
    if picked:
        await watch(app, picked)


async def watch(app: QuarterdeckApp, names: Iterable[str]) -> None:
    """Writes the nodes into the settings and watches them; only watches them where that is refused."""
    runtime = app.runtime
    present = [node.spec for node in runtime.store.nodes.values()]
    here = [spec for spec in present if spec.transport is Transport.LOCAL]
    unwritten = (
        here if not runtime.settings.nodes else []
    )  # once nodes are listed, so must this one be
    for spec in (*unwritten, *(NodeSpec(name) for name in names)):
        try:
            await runtime.nodes.add(spec)
        except QuarterdeckError as error:
            await runtime.add_node(runtime.settings.spec_of(spec))
            app.say(f"{spec.name} is watched, but not written down: {error}", bad=True)
