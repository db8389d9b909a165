"""Help: the keys of one screen as they are bound now, what the signs mean, and the filter language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from console.ui.keys_text import key_text
from console.ui.lines import Line, Pen
from console.ui.modals.dialog import Dialog
from console.ui.paint import fit
from console.ui.screens.base import FleetAwareScreen

_STATES = ("up", "stale", "down", "attention", "connecting")
_WORKERS = {"running": "works", "waiting": "on its way", "odd": "slow", "bad": "needs you",
            "ended": "over", "unseen": "not seen now"}  # fmt: skip
_KEY_WIDTH = 16


class HelpModal(Dialog[None]):
    """Every key listed does something; a key that does nothing here is not listed."""

    keys = (("Esc", "leaves"), ("j k", "scroll"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark", "leave", "Leave", show=False),
    ]

    def __init__(self, explained: Screen[Any]) -> None:
        super().__init__()
        self._screen = explained
        # Now, while it is on top: below a dialog no key of a node or a worker applies.
        self._found = list(self._groups())
        name = explained.name_of_screen if isinstance(explained, FleetAwareScreen) else ""
        self.title_text = f"Keys: {name}" if name else "Keys"

    def lines(self, pen: Pen) -> list[Line]:
        lines: list[Line] = []
        for title, bindings in self._found:
            lines += [[(title, pen.inks.title)], *self._keys_of(bindings, pen), []]
        if isinstance(self._screen, FleetAwareScreen) and self._screen.filter_text is not None:
            lines += [[("Filter: terms by blanks, all must hold", pen.inks.title)]]
            rows = self._screen.filter_words.rows
            lines += [self._row(text, does, 34, pen) for text, does in rows]
            lines.append([])
        signs: Line = [("Signs  ", pen.inks.title)]
        for state in _STATES:
            signs += [
                (pen.glyphs.state(state), pen.inks.state(state)),
                (f" {state}  ", pen.inks.dim),
            ]
        signs += [(pen.glyphs.alert, pen.inks.warn), (" alert", pen.inks.dim)]
        return [*lines, signs, self._of_workers(pen)]

    def _of_workers(self, pen: Pen) -> Line:
        inks = pen.inks
        inked = {"running": inks.good, "waiting": inks.warn, "odd": inks.warn, "bad": inks.bad}
        line: Line = [("Workers", inks.title)]
        for sign, said in _WORKERS.items():
            line += [
                (f" {pen.glyphs.worker(sign)}", inked.get(sign, inks.dim)),
                (f" {said} ", inks.dim),
            ]
        return line

    def _groups(self) -> Iterator[tuple[str, list[Binding]]]:
        """The keys of the focus and its screen, then those that hold everywhere; each action once."""
        here: dict[str, list[Binding]] = {}
        everywhere: dict[str, list[Binding]] = {}
        for active in self._screen.active_bindings.values():
            if active.enabled and active.binding.tooltip:
                of_the_app = active.node is self.app or active.binding.action.startswith("app.")
                group = everywhere if of_the_app else here
                group.setdefault(active.binding.action, []).append(active.binding)
        if here:
            yield "Here", [_together(bindings) for bindings in here.values()]
        yield "Everywhere", [_together(bindings) for bindings in everywhere.values()]

    def _keys_of(self, bindings: list[Binding], pen: Pen) -> list[Line]:
        return [
            self._row(_shown(binding.key), binding.tooltip, _KEY_WIDTH, pen) for binding in bindings
        ]

    def _row(self, left: str, right: str, width: int, pen: Pen) -> Line:
        room = max(0, pen.width - width - 1)
        return [
            (fit(left, width), pen.inks.key),
            (" ", pen.inks.dim),
            (fit(right, room), pen.inks.text),
        ]


def _together(bindings: list[Binding]) -> Binding:
    """Several keys of one action as one binding."""
    return bindings[0].with_key(",".join(binding.key for binding in bindings))


def _shown(keys: str) -> str:
    return "  ".join(key_text(key) for key in keys.split(","))
