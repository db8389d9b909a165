"""What fills a disk: the node looks for a few seconds, and says where it did not look."""

from __future__ import annotations

from console.errors import QuarterdeckError
from console.formatting import age, count, percent, size
from console.ui.lines import Line, Pen, meter, words
from console.ui.modals.dialog import Dialog
from console.ui.paint import fit
from workers.protocol import Disk, DiskExplanation

_SHOWN = 40


class DiskModal(Dialog[None]):
    def __init__(self, node: str, disk: Disk) -> None:
        super().__init__()
        self.title_text = f"What fills {disk.path} on {node}"
        self._node, self._disk = node, disk
        self._found: DiskExplanation | None = None
        self._failure = ""

    def on_mount(self) -> None:
        self.run_worker(self._ask(), exclusive=True)

    async def _ask(self) -> None:
        try:
            self._found = await self.runtime.disks.explain(self._node, self._disk.path)
        except QuarterdeckError as error:
            self._failure = str(error)
        if self.is_attached:
            self.redraw()

    def lines(self, pen: Pen) -> list[Line]:
        inks = pen.inks
        if self._failure:
            return [[], *words(pen, self._failure, inks.bad, 1)]
        if self._found is None:
            return [[], [(" the node is looking, a few seconds…", inks.dim)]]
        return [[], *_explained(self._found, self._disk, pen)]


def _explained(found: DiskExplanation, disk: Disk, pen: Pen) -> list[Line]:
    inks, lines = pen.inks, []
    whole = disk.used_bytes or sum(entry.bytes for entry in found.entries) or 1
    for entry in found.entries[:_SHOWN]:
        share = 100.0 * entry.bytes / whole
        lines.append([
            (f"{size(entry.bytes):>8} ", inks.text), *meter(pen, share / 100, 12, inks.level(share)),
            (f" {percent(share):>5} {count(entry.files):>10} files  ", inks.dim),
            (fit(entry.path, max(8, pen.width - 48)), inks.text),
        ])  # fmt: skip
    lines.append([])
    if found.deleted_open_bytes:
        said = f"{size(found.deleted_open_bytes)} belong to deleted files that a process still holds open"
        lines += words(pen, said, inks.warn, 1)
    if not found.complete:
        lines += words(pen, f"Not all of it: the node stopped looking after {age(found.elapsed_s)}.", inks.warn, 1)  # fmt: skip
    if found.unreadable:
        lines += words(pen, f"{found.unreadable} folders could not be read.", inks.warn, 1)
    said = f"{count(found.files)} files in {age(found.elapsed_s)}; one file system, allocated bytes as du counts"
    return [*lines, *words(pen, said, inks.dim, 1)]
