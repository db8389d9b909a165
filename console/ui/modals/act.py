"""Stops, kills, restarts or drains workers: says to which, does it, and stays until it is done.

While a stop goes on it counts down and names what is still alive; leaving the dialog takes nothing back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from console.errors import QuarterdeckError
from console.fleet.workers import WorkerView
from console.formatting import age
from console.operations.outcomes import Target
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import Dialog, DialogKeys
from console.ui.paint import fit
from console.ui.workers.columns import state_ink, state_text

_SAYS = {
    "stop": ("Stop", "asks it to end, then its group; kills what is left after the grace time"),
    "kill": ("Kill", "SIGKILL to the whole tree at once: nothing is saved, nothing cleaned up"),
    "restart": ("Restart", "stops it as x does, then starts it again with the same command"),
    "restart_force": ("Restart by force", "kills the whole tree, then starts it again with the same command"),
    "drain": ("Drain", "it finishes its unit, takes no more, and ends; nothing is forced"),
}  # fmt: skip
_FORCE = frozenset({"kill", "restart_force"})
_ENDS = frozenset({"stop", "kill"})
_SHOWN = 12
TICK_S = 0.25


class ActModal(Dialog[bool]):
    """Force on more than one asks for their number. True where it was done."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "Confirm", show=False),
        Binding("X", "kill_rest", "Kill", show=False),
        Binding("tab", "batch", "Batches", show=False),
    ]

    def __init__(self, views: Sequence[WorkerView], act: str) -> None:
        self._views = {view.key: view for view in views}
        self._act = act
        self._batch = 0  # 0: all at once
        self._done = False
        self._failures: dict[tuple[str, str], str] = {}
        title, self._explains = _SAYS[act]
        count = len(views)
        self._title = title
        self.title_text = f"{title} {count} worker{'s'[: count != 1]}"
        self.keys = (("Enter", f"{title.lower()}s"), ("Esc", "does nothing"))
        if act in ("restart", "restart_force") and count > 1:
            self.keys = (self.keys[0], ("Tab", "in batches"), self.keys[1])
        self._typed = str(count) if act in _FORCE and count > 1 else None
        self.field = None if self._typed is None else f"type {count} to {title.lower()} them all"
        super().__init__(classes="bad" if act in _FORCE else "")

    # ------------------------------------------------------------ what stands in the box

    def lines(self, pen: Pen) -> list[Line]:
        inks = pen.inks
        views = self._now()
        lines: list[Line] = [[], *words(pen, self._explains, inks.dim, 1), []]
        for view in views[:_SHOWN]:
            lines += self._worker(view, pen)
        if len(views) > _SHOWN:
            lines.append([(f"   and {len(views) - _SHOWN} more", inks.dim)])
        nodes = list(dict.fromkeys(view.node for view in views))
        where = f"on {len(nodes)} node{'s'[: len(nodes) != 1]}: {', '.join(nodes)}"
        lines += [[], *words(pen, where, inks.text, 1)]
        if self._batch:
            said = f"{self._batch} at a time; the next when these run again, none after a failure"
            lines += words(pen, said, inks.key, 1)
        return lines

    def _worker(self, view: WorkerView, pen: Pen) -> list[Line]:
        inks, record = pen.inks, view.record
        name = fit(f"{record.name}@{view.node}", 26)
        said = self._failures.get(view.key) or self._progress(view)
        tint = inks.bad if view.key in self._failures else inks.dim
        return [
            [
                (" ", inks.text),
                (name, inks.strong),
                (fit(state_text(view, pen.glyphs), 20), state_ink(view, inks)),
                (fit(said, max(4, pen.width - 48)), tint),
            ]
        ]

    def _progress(self, view: WorkerView) -> str:
        """How far a stop is, and what is still alive."""
        record = view.record
        if record.kill_pending:
            return "cannot be killed yet: " + "; ".join(record.kill_pending)
        if record.state != "stopping":
            return f"pid {record.pid}" if record.pid is not None else ""
        left_s = max(0.0, record.grace_s - (record.stopping_s or 0.0))
        alive = f"{record.processes} alive" if record.processes is not None else "still alive"
        return f"{alive}, pid {record.pid}; killed in {age(left_s)}"

    def _now(self) -> list[WorkerView]:
        """The workers as they are now."""
        fresh = {view.key: view for view in self.runtime.store.workers()}
        return [fresh.get(key, old) for key, old in self._views.items()]

    # ------------------------------------------------------------ doing it

    def action_batch(self) -> None:
        if not self._done and self._act in ("restart", "restart_force") and len(self._views) > 1:
            sizes = [size for size in (0, 1, 2, 4, 8, 16) if size < len(self._views)]
            self._batch = sizes[(sizes.index(self._batch) + 1) % len(sizes)]
            self.redraw()

    def action_confirm(self) -> None:
        if self._done:
            self.dismiss(True)
        elif self._typed is None:
            self._go()

    def submitted(self, value: str) -> None:
        if self._done:
            self.dismiss(True)
        elif value.strip() == self._typed:
            self._go()
        else:
            self.complain(f"type {self._typed}")

    def _go(self) -> None:
        self._done = True
        self._say_keys()
        self.run_worker(self._carry_out(self._act), group="act")
        self.set_interval(TICK_S, self._look)

    def _say_keys(self) -> None:
        keys = self.query_one(DialogKeys)
        stopping = self._act in ("stop", "drain", "restart")
        kill = (("X", "kills what is left now"),) if stopping else ()
        keys.keys = (("Esc", "leaves; it goes on"), *kill)
        keys.complaint = ""
        keys.refresh()

    async def _carry_out(self, act: str) -> None:
        targets = [Target.of(view.node, view.record) for view in self._now() if view.accepts(act)]
        try:
            outcomes = await self.runtime.workers.act(targets, act, batch=self._batch)
        except QuarterdeckError as error:
            self._failures = dict.fromkeys(self._views, str(error))
        else:
            self._failures = {
                (each.node, each.run_id): each.text for each in outcomes if not each.done
            }
        if self._failures:
            first = next(iter(self._failures.values()))
            self.console_app.say(f"{len(self._failures)} not done: {first}", bad=True)
        if self.is_attached:
            self.redraw()

    def _look(self) -> None:
        """Repaints, and leaves when all that was asked for is so."""
        self.redraw()
        if self._failures or not self._reached():
            return
        count = len(self._views)
        what = (
            f"{next(iter(self._views.values())).record.name}" if count == 1 else f"{count} workers"
        )
        self.console_app.say(f"{what}: {_REACHED[self._act]}")
        self.dismiss(True)

    def _reached(self) -> bool:
        views = self._now()
        if self._act == "drain":
            return all(view.record.desired == "drained" or not view.live for view in views)
        if self._act in _ENDS:
            return all(not view.live and not view.record.leftovers for view in views)
        before = self._views
        return all(
            view.record.attempt > before[view.key].record.attempt and view.record.state == "running"
            for view in views
        )

    def action_kill_rest(self) -> None:
        if self._done and self._act in ("stop", "drain", "restart"):
            self._act = "kill" if self._act != "restart" else "restart_force"
            self.run_worker(self._carry_out(self._act), group="act")


_REACHED = {
    "stop": "stopped, nothing of it is left",
    "kill": "killed, nothing of it is left",
    "restart": "runs again",
    "restart_force": "runs again",
    "drain": "drains",
}
