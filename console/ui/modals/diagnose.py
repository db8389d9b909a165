"""`d`: the facts of a node, why it is as it is, the key that helps, and the last commands sent there."""

from __future__ import annotations

from console.fleet.diagnosis import diagnose
from console.ui.lines import Line, Pen, heading, words
from console.ui.modals.audit import audit_line
from console.ui.modals.dialog import Dialog

_COMMANDS = 6


class DiagnoseModal(Dialog[None]):
    """Follows the node while it is open."""

    def __init__(self, node: str) -> None:
        super().__init__()
        self._node = node
        self.title_text = f"Diagnosis of {node}"

    def on_mount(self) -> None:
        self.set_interval(1.0, self.redraw)

    def lines(self, pen: Pen) -> list[Line]:
        store, inks = self.runtime.store, pen.inks
        node = store.nodes.get(self._node)
        if node is None:
            return words(pen, f"{self._node} is not in the fleet any more", inks.text)
        found = diagnose(
            node,
            store.history(self._node),
            store.alerts_of(self._node),
            store.now,
            store.workers_of(self._node),
            store.ledger.of(self._node),
            store.clock,
        )
        tint = inks.warn if found.reasons else inks.good
        lines: list[Line] = [[], *words(pen, found.headline, tint, 1)]
        if found.next_key:
            lines += [
                [],
                [
                    (f" {pen.glyphs.arrow} ", inks.dim),
                    (found.next_key, inks.key),
                    (f"  {found.next_help}", inks.text),
                ],
            ]
        if found.reasons:
            lines += [[], heading(pen, "Why")]
            for reason in found.reasons:
                lines += _point(reason, pen)
        lines += [[], heading(pen, "Facts")]
        for fact in found.facts:
            lines += _point(fact, pen)
        return lines + self._commands(pen)

    def _commands(self, pen: Pen) -> list[Line]:
        inks = pen.inks
        entries = [e for e in self.runtime.audit.tail(200) if e.node == self._node][:_COMMANDS]
        lines: list[Line] = [[], heading(pen, "Last commands sent there")]
        if not entries:
            return [*lines, [(" none", inks.dim)]]
        for entry in entries:
            lines.append(audit_line(entry, pen))
        return lines


def _point(text: str, pen: Pen) -> list[Line]:
    first, *rest = words(pen, text, pen.inks.text, 3)
    return [[(f" {pen.glyphs.middot} ", pen.inks.dim), *first[1:]], *rest]
