"""A lock of which only one holder may live in the fleet: a node that cannot be asked may have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.fleet.workers.locks import can_tell, holder, unasked
from console.operations.waiting import until
from console.settings.selectors import selects
from workers.protocol import WorkerSpec

if TYPE_CHECKING:
    from console.fleet.model import Node
    from console.fleet.store import FleetStore
    from console.settings.model import Settings

ANSWER_WITHIN_S = 5.0


async def against(spec: WorkerSpec, store: FleetStore, settings: Settings) -> tuple[str, ...]:
    """Why this run may not have its lock now; empty where it may. Nodes that are on their way are waited for."""
    lock = spec.singleton
    places = _places(lock, store, settings)

    def nodes() -> list[Node]:
        return [store.nodes[name] for name in sorted(places) if name in store.nodes]

    await until(store, lambda: all(can_tell(node) for node in nodes()), ANSWER_WITHIN_S)
    held = holder(lock, nodes(), besides=spec.run_id)
    if held is not None:
        return (f"lock {lock} is held on {held[0]} by {held[1]}",)
    unknown = [f"{name} ({why})" for name, why in unasked(nodes())]
    unknown += [f"{name} (not connected here)" for name in sorted(places - set(store.nodes))]
    if not unknown:
        return ()
    return (f"lock {lock} may be held on a node that cannot be asked: {', '.join(unknown)}",)


def _places(lock: str, store: FleetStore, settings: Settings) -> frozenset[str]:
    """The nodes where a holder may live: those that a preset with this lock is for, and those that told of one."""
    selectors = [p.nodes for p in settings.presets if p.lock is not None and p.lock.name == lock]
    specs = {spec.name: spec for spec in settings.node_specs()}
    specs |= {node.name: node.spec for node in store.nodes.values()}
    meant = (
        spec.name
        for spec in specs.values()
        if any(selects(selector, spec.name, spec.tags) for selector in selectors)
    )
    told = (node.name for node in store.nodes.values() if holder(lock, [node]))
    return frozenset((*meant, *told))
