"""The line above a group of nodes."""

from __future__ import annotations

from textual.strip import Strip

from console.fleet.store import FleetStore
from console.ui.glyphs import Glyphs
from console.ui.paint import Inks, fit, strip
from console.ui.screens.fleet_rows import Group


def heading(group: Group, store: FleetStore, width: int, inks: Inks, glyphs: Glyphs) -> Strip:
    """`── selfplay ── 7/8 up ─────`."""
    states = [store.nodes[name].state for name in group.names if name in store.nodes]
    title = fit(group.title, min(24, max(1, len(group.title)))).rstrip()
    facts = f"{states.count('up')}/{len(states)} up"
    rest = max(0, width - len(title) - len(facts) - 8)
    return strip(
        [
            (glyphs.line * 2 + " ", inks.faint),
            (title, inks.title),
            (" " + glyphs.line * 2 + " ", inks.faint),
            (facts, inks.dim),
            (" " + glyphs.line * rest, inks.faint),
        ],
        width,
        inks.faint,
    )
