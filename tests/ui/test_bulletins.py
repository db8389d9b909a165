"""What the console itself has to say reaches the person who looks at it."""

from __future__ import annotations

from pathlib import Path

from tests.ui.fleets import StandIn, demo_store
from tests.ui.screens import opened, settled


async def test_bulletins_are_toasts_those_from_before_the_screen_too(tmp_path: Path) -> None:
    runtime = StandIn(demo_store(3))
    runtime.board.post("error", "settings not taken: a.yaml:2: nodes.h1.prot: is not known")
    async with opened(runtime.store, tmp_path, runtime=runtime) as pilot:
        runtime.board.post("warning", "the history cannot be kept [b]here[/b]")
        pilot.app.show_changes()  # type: ignore[attr-defined]
        await settled(pilot)
        shown = {note.severity: note.message for note in pilot.app._notifications}
        assert "nodes.h1.prot" in shown["error"]
        assert "[b]here[/b]" in shown["warning"]
