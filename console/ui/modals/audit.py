"""The audit log: every command that was sent to a node, newest first, with what became of it."""

from __future__ import annotations

from console.operations.audit import AuditEntry
from console.ui.lines import Line, Pen
from console.ui.modals.dialog import Dialog
from console.ui.paint import fit

_SHOWN = 200


class AuditModal(Dialog[None]):
    title_text = "Audit log"

    def lines(self, pen: Pen) -> list[Line]:
        audit = self.runtime.audit
        lines: list[Line] = [[(fit(f" {audit.path}", pen.width), pen.inks.dim)], []]
        entries = audit.tail(_SHOWN)
        if not entries:
            return [*lines, [(" nothing was sent yet", pen.inks.dim)]]
        return lines + [audit_line(entry, pen, entry.node) for entry in entries]


def audit_line(entry: AuditEntry, pen: Pen, node: str = "") -> Line:
    """Time, node, verb, arguments and result on one line."""
    inks = pen.inks
    tint = inks.bad if entry.result.startswith(("failed", "refused", "unknown")) else inks.good
    said = f"{entry.verb} {' '.join(entry.argv)}".rstrip()
    room = max(8, pen.width - 23 - (13 if node else 0))
    result = fit(entry.result, min(len(entry.result), room // 2))
    return [
        (f" {entry.time[:19].replace('T', ' ')} ", inks.dim),
        (fit(node, 12) + " " if node else "", inks.text),
        (fit(said, min(len(said), room - len(result))), inks.text),
        (f" {result}", tint),
    ]
