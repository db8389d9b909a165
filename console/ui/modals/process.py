"""More about one process, asked of the node while the dialog is open."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from console.errors import QuarterdeckError
from console.formatting import MISSING, age, count, memory, size
from console.ui.lines import Line, Pen, heading, words
from console.ui.modals.dialog import Dialog
from workers.protocol import Process, ProcessDetails, ProcessIdentity

_SHOWN = 40
_LABEL = 13


class ProcessModal(Dialog[str]):
    """Gives the signal that was asked for (TERM or KILL), or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "signal('TERM')", "Terminate", show=False),
        Binding("X", "signal('KILL')", "Kill", show=False),
    ]

    def __init__(
        self, node: str, process: Process, identity: ProcessIdentity, clock: float, *, fixed: bool
    ) -> None:
        """`fixed`: nothing may be sent from here."""
        super().__init__()
        self.title_text = f"{process.pid} {process.name} on {node}"
        self.keys = (("Esc", "leaves"),)
        if not fixed:
            self.keys = (("x", "terminate"), ("X", "kill"), *self.keys)
        self._node, self._process, self._identity = node, process, identity
        self._clock = clock
        self._fixed = fixed
        self._details: ProcessDetails | None = None
        self._failure = ""

    def on_mount(self) -> None:
        self.run_worker(self._ask(), exclusive=True)

    async def _ask(self) -> None:
        try:
            self._details = await self.runtime.processes.describe(self._node, self._identity)
        except QuarterdeckError as error:
            self._failure = str(error)
        if self.is_attached:
            self.redraw()

    def action_signal(self, name: str) -> None:
        if not self._fixed:
            self.dismiss(name)

    def lines(self, pen: Pen) -> list[Line]:
        inks = pen.inks
        process = self._details.process if self._details else self._process
        lines: list[Line] = [[], *words(pen, process.command or process.name, inks.strong, 1), []]
        cpu = MISSING if process.cpu_percent is None else f"{process.cpu_percent:.1f} % of a core"
        since = None if process.started_at is None else self._clock - process.started_at
        lines += _fact(
            pen, "user", f"{process.user}, state {process.state}, parent {process.parent_pid}"
        )
        lines += _fact(
            pen,
            "uses",
            f"{cpu}, {memory(process.memory_bytes)}, {process.threads or MISSING} threads",
        )
        if process.gpu_memory_bytes is not None:
            lines += _fact(pen, "GPU memory", memory(process.gpu_memory_bytes))
        lines += _fact(pen, "runs for", age(since))
        if self._failure:
            return [*lines, [], *words(pen, self._failure, inks.bad, 1)]
        if self._details is None:
            return [*lines, [], [(" asking the node for more…", inks.dim)]]
        return lines + _more(self._details, pen)


def _more(details: ProcessDetails, pen: Pen) -> list[Line]:
    lines: list[Line] = []
    lines += _fact(pen, "program", details.executable)
    lines += _fact(pen, "directory", details.directory)
    lines += _fact(pen, "cgroup", details.cgroup)
    lines += _fact(pen, "nice", None if details.nice is None else str(details.nice))
    cores = details.affinity
    lines += _fact(pen, "cores", None if cores is None else f"{len(cores)}: {_ranges(cores)}")
    if details.read_bytes is not None or details.written_bytes is not None:
        lines += _fact(
            pen, "disk", f"{size(details.read_bytes)} read, {size(details.written_bytes)} written"
        )
    lines += _fact(
        pen,
        "switches",
        None if details.context_switches is None else count(details.context_switches),
    )
    for title, entries in (
        ("Open files", details.open_files),
        ("Connections", details.connections),
    ):
        if entries is not None:
            lines += [[], heading(pen, title, str(len(entries)))]
            for entry in entries[:_SHOWN]:
                lines += words(pen, entry, pen.inks.text, 1)
    if details.missing:
        lines += [[], heading(pen, "Not told")]
        for entry in details.missing:
            lines += words(pen, entry, pen.inks.dim, 1)
    return lines


def _fact(pen: Pen, label: str, value: str | None) -> list[Line]:
    if value is None:
        return []
    first, *rest = words(pen, value, pen.inks.text, _LABEL)
    return [[(f" {label:<{_LABEL - 1}}", pen.inks.dim), *first[1:]], *rest]


def _ranges(numbers: tuple[int, ...]) -> str:
    """`0-7, 16` of 0,1,2,3,4,5,6,7,16."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
