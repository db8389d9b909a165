"""The bottom line: the keys that do something here and now, and the screens on the right."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.strip import Strip

from console.ui.keys_text import key_text
from console.ui.paint import Inks, Piece, strip
from console.ui.registry import SCREENS
from console.ui.widgets.painted import Painted

GAP = 1  # between the keys and the screens
_LAYOUT = frozenset({"switch", "zoom", "sort_right", "tab"})


class KeyFooter(Painted):
    """Keys of what has the focus come first. A click on one does what the key does."""

    DEFAULT_CSS = "KeyFooter { dock: bottom; height: 1; background: $panel; }"
    paper = "panel"

    def __init__(self, screen_title: str) -> None:
        super().__init__()
        self._title = screen_title
        self._spots: list[tuple[int, int, str]] = []  # from, to, key
        self._offered: list[str] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._keys_changed())

    def _keys_changed(self) -> None:
        self.refresh()

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        """What came or went may have brought a key, or taken one."""
        offered = [binding.action for binding in self._shown()]
        if offered != self._offered:
            self._offered = offered
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._spots:
            if start <= event.x < end:
                self.app.simulate_key(key)

    def draw_line(self, y: int, width: int) -> Strip:
        inks = self.inks
        screens = self._screens(inks, names=width >= 110)
        taken = sum(len(text) for text, _ in screens)
        keys = self._keys(inks, width - taken - GAP)
        left = strip(keys, max(0, width - taken), inks.text)
        return Strip.join([left, strip(screens, width - left.cell_length, inks.text)])

    def _keys(self, inks: Inks, room: int) -> list[Piece]:
        pieces: list[Piece] = [(" ", inks.text)]
        self._spots = []
        at = 1
        for binding in self._shown():
            name = key_text(binding.key)
            label = binding.description
            length = len(name) + len(label) + 3
            if at + length - 2 > room:  # none follows the last
                break
            pieces += [(name, inks.key), (f" {label}  ", inks.dim)]
            self._spots.append((at, at + length - 2, binding.key))
            at += length
        return pieces

    def _shown(self) -> list[Binding]:
        """Those of the focus first, then of the screen, then of the app; an action once."""
        seen: set[str] = set()
        shown = []
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and active.enabled and binding.action not in seen:
                seen.add(binding.action)
                shown.append(binding)
        # Help is the way to all others; how the same facts are laid out comes after what is done with them.
        return sorted(shown, key=lambda one: (one.id != "help", one.id in _LAYOUT))

    def _screens(self, inks: Inks, names: bool) -> list[Piece]:
        """Where there is little room, only this one has its name."""
        pieces: list[Piece] = []
        for entry in SCREENS:
            if self.console_app.screen_built(entry.name):
                here = entry.title == self._title
                title = f"{entry.title} " if names or here else ""
                pieces += [(f"{entry.key} ", inks.key), (title, inks.title if here else inks.dim)]
        return pieces
