"""What the keys that hold everywhere do. Mixed into the app; each action is one short method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.command import CommandPalette

from console.errors import QuarterdeckError
from console.fleet.model import Attention
from console.text import one_line
from console.ui import registry
from console.ui.first_run import offer_hosts
from console.ui.saving import save_view
from console.ui.screens.base import FleetAwareScreen
from console.ui.shell import run_in_terminal

if TYPE_CHECKING:
    from console.ui.app import QuarterdeckApp

INTERVALS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Actions(App[int]):
    """`applies` says which of them have something to act on now."""

    @property
    def fleet_screen(self) -> FleetAwareScreen | None:
        """The screen whose rows the keys mean: the one on top, or the one right below the palette."""
        stack = self.screen_stack
        top = stack[-2] if len(stack) > 1 and isinstance(stack[-1], CommandPalette) else stack[-1]
        return top if isinstance(top, FleetAwareScreen) else None

    def applies(self: QuarterdeckApp, action: str) -> bool:  # type: ignore[misc]
        """False where the action has nothing to act on, so that its key is not offered."""
        fleet = self.fleet_screen
        current = fleet.current_node() if fleet else None
        if action == "diagnose":
            return registry.DIAGNOSE.built and current is not None
        if action == "trust":
            return registry.TRUST.built and self._wants_trust(current)
        if action == "shell":
            return current is not None and hasattr(self.runtime, "nodes")
        if action == "acknowledge":
            return current is not None and self._unseen_alerts(fleet) != []
        if action == "alert_history":
            return registry.ALERT_HISTORY.built
        if action == "audit_log":
            return registry.AUDIT.built
        if action == "filter":
            return fleet is not None and fleet.filter_text is not None
        if action == "mouse":
            return self._driver is not None and hasattr(self._driver, "_disable_mouse_support")
        return True

    # ------------------------------------------------------------ places

    def action_help(self) -> None:
        self.push_screen(registry.HELP.make(self.screen))

    def action_show_screen(self: QuarterdeckApp, name: str) -> None:  # type: ignore[misc]
        """Digits switch: the stack is the Fleet with at most one screen above it."""
        entry = next(entry for entry in registry.SCREENS if entry.name == name)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if entry is not registry.FLEET:
            self.push_screen(entry.make())

    def open_node(self, node: str) -> None:
        """The Node screen, where it is built."""
        if registry.NODE.built:
            self.push_screen(registry.NODE.make(node))

    def action_open_place(self: QuarterdeckApp, place: int) -> None:  # type: ignore[misc]
        names = list(self.runtime.store.nodes)
        if place < len(names):
            self.open_node(names[place])

    async def action_back(self) -> None:
        screen = self.screen
        if isinstance(screen, FleetAwareScreen) and screen.step_back():
            return
        if len(self.screen_stack) > 1:
            self.pop_screen()

    def action_leave(self) -> None:
        """`q`: one screen back; on the first, out."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self.exit(0)

    async def action_quit(self) -> None:
        self.exit(0)

    def action_how_to_quit(self) -> None:
        self.say("Ctrl-Q quits, q goes back. Nothing on the nodes stops.")

    # ------------------------------------------------------------ the view

    def action_filter(self) -> None:
        if isinstance(self.screen, FleetAwareScreen):
            self.screen.open_filter()

    def action_copy(self) -> None:
        text = self.screen.text_to_copy() if isinstance(self.screen, FleetAwareScreen) else ""
        text = text.encode("utf-8", "replace").decode()
        if text:
            self.copy_to_clipboard(text)
            self.say(f"copied: {text.splitlines()[0][:60]}")

    def action_save_view(self: QuarterdeckApp) -> None:  # type: ignore[misc]
        try:
            paths = save_view(self, self.logbook.path.parent / "views")
        except OSError as error:
            self.say(f"not saved: {error}", bad=True)
            return
        self.say(f"saved {paths[0]} and .svg")

    def action_pause(self: QuarterdeckApp) -> None:  # type: ignore[misc]
        self.paused = not self.paused
        if isinstance(self.screen, FleetAwareScreen):
            self.screen.deliver_notes()
        self.show_changes()

    def action_interval(self: QuarterdeckApp, step: int) -> None:  # type: ignore[misc]
        now = float(getattr(self.runtime, "interval", 1.0))
        place = min(range(len(INTERVALS_S)), key=lambda i: abs(INTERVALS_S[i] - now))
        chosen = INTERVALS_S[max(0, min(len(INTERVALS_S) - 1, place - step))]
        self.runtime.interval = chosen
        self.say(f"a reading every {chosen:g} s")

    def action_refresh_now(self: QuarterdeckApp) -> None:  # type: ignore[misc]
        fleet = self.screen
        names = fleet.selected_nodes() if isinstance(fleet, FleetAwareScreen) else ()
        for name in names or tuple(self.runtime.store.nodes):
            if name in self.runtime.sessions:
                self.runtime.sessions[name].retry()
        if isinstance(fleet, FleetAwareScreen):
            fleet.refresh_asked()
        self.present_fleet()
        self.repaint_everything()

    def action_mouse(self) -> None:
        """Off, the terminal's own selection works; the next press gives the mouse back."""
        driver: Any = self._driver
        captured = not getattr(self, "_mouse_off", False)
        (driver._disable_mouse_support if captured else driver._enable_mouse_support)()
        self._mouse_off = captured
        self.say("mouse capture off: select with the terminal" if captured else "mouse capture on")

    def action_use_theme(self, name: str) -> None:
        if name in self.available_themes:
            self.theme = name

    # ------------------------------------------------------------ nodes

    def action_diagnose(self) -> None:
        node = self._current()
        if node is not None:
            self.push_screen(registry.DIAGNOSE.make(node))

    def action_trust(self) -> None:
        node = self._current()
        if node is not None:
            self.push_screen(registry.TRUST.make(node))

    def action_pick_hosts(self: QuarterdeckApp) -> None:  # type: ignore[misc]
        """The hosts of the SSH config, to watch them too."""
        self.run_worker(offer_hosts(self), group="hosts", exclusive=True)

    def action_audit_log(self) -> None:
        self.push_screen(registry.AUDIT.make())

    def action_alert_history(self) -> None:
        self.push_screen(registry.ALERT_HISTORY.make())

    def action_acknowledge(self: QuarterdeckApp) -> None:  # type: ignore[misc]
        store = self.runtime.store
        alerts = self._unseen_alerts(self.screen)
        for alert in alerts:
            store.acknowledge(alert.id, store.now)
        self.say(f"{len(alerts)} acknowledged" if alerts else "nothing to acknowledge here")

    async def action_shell(self: QuarterdeckApp) -> None:  # type: ignore[misc]
        node = self._current()
        if node is None:
            return
        try:
            command = self.runtime.nodes.ssh_command(node)
        except QuarterdeckError as error:
            self.say(str(error), bad=True)
            return
        await run_in_terminal(self, node, command)

    # ------------------------------------------------------------ within

    def say(self, text: str, bad: bool = False) -> None:
        """A toast; nothing in `text` can act."""
        self.notify(
            one_line(text), severity="error" if bad else "information", markup=False, timeout=4
        )

    def _current(self) -> str | None:
        return self.screen.current_node() if isinstance(self.screen, FleetAwareScreen) else None

    def _wants_trust(self: QuarterdeckApp, name: str | None) -> bool:  # type: ignore[misc]
        node = self.runtime.store.nodes.get(name) if name else None
        return (
            node is not None
            and isinstance(node.link, Attention)
            and node.link.problem.host_key is not None
        )

    def _unseen_alerts(self: QuarterdeckApp, screen: object) -> list[Any]:  # type: ignore[misc]
        names = screen.selected_nodes() if isinstance(screen, FleetAwareScreen) else ()
        store = self.runtime.store
        return [a for name in names for a in store.alerts_of(name) if not a.acknowledged]
