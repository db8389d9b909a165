"""Stops, kills, restarts or drains workers: says to which, does it, and stays until it is done.

While a stop goes on it counts down and names what is still alive; leaving the dialog takes nothing back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from console.errors import QuarterdeckError
from console.fleet.workers import WorkerView
from console.operations.outcomes import Outcome, Target
from console.ui.lines import Line, Pen
from console.ui.modals.dialog import Dialog
from console.ui.widgets.sheet import Sheet
from console.ui.workers.acting import Acting, act_lines, undrainable
from console.ui.workers.acts import FORCE, HARDER, RESTARTS, WORDS, named
from console.ui.workers.alive import Alive

TICK_S = 0.25
_BATCHES = (0, 1, 2, 4, 8, 16)  # 0: all at once


class ActModal(Dialog[bool]):
    """Force on more than one asks for their number. True where it was done."""

    DEFAULT_CSS = "ActModal > #box { width: 100; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "Confirm", show=False),
        Binding("X", "harder", "By force", show=False),
        Binding("x", "stop_instead", "Stop instead", show=False),
        Binding("tab", "batch", "Batches", show=False),
        Binding("pageup", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "scroll(1)", "Down", show=False),
    ]
    field = ""  # in sight only where a number is to be typed

    def __init__(self, views: Sequence[WorkerView], act: str) -> None:
        super().__init__(classes="bad" if act in FORCE else "")
        self._views = {view.key: view for view in views}
        self._acting = Acting(act)
        self._wanted = act  # what the number is typed for
        self._typed = str(len(views)) if act in FORCE and len(views) > 1 else None
        self._alive = Alive()
        self.title_text = f"{WORDS[act].title} {named(tuple(views))}"

    def on_mount(self) -> None:
        asking = self._alive.keep_asking(self.runtime.workers, self._now, self.redraw)
        self.run_worker(asking, group="alive")
        self.set_interval(TICK_S, self._look)
        self._show_field()

    def lines(self, pen: Pen) -> list[Line]:
        return act_lines(self._acting, self._now(), self._alive, pen)

    def _now(self) -> list[WorkerView]:
        """The workers as they are now."""
        store = self.runtime.store
        nodes = dict.fromkeys(view.node for view in self._views.values())
        fresh = {v.key: v for node in nodes for v in store.workers_of(node, earlier=True)}
        return [fresh.get(key, old) for key, old in self._views.items()]

    # ------------------------------------------------------------ keys

    def first_focus(self) -> Widget:
        return self.query_one(Input) if self._typed else self.query_one(Sheet)

    def _show_field(self) -> None:
        """The field where a number is wanted, and the keys that hold now."""
        field = self.query_one(Input)
        field.display = self._typed is not None
        field.value = ""
        field.placeholder = f"type {self._typed}: {WORDS[self._wanted].does} them all"
        self.first_focus().focus()
        self.show_keys(*self._keys_now())
        self.redraw()

    def _keys_now(self) -> list[tuple[str, str]]:
        acting = self._acting
        act, leaves = acting.act, ("Esc", "does nothing")
        if acting.going:
            leaves = ("Esc", WORDS[act].leaves)
        if self._typed is not None:
            return [("Enter", WORDS[self._wanted].does), leaves]
        if acting.going:
            return [("X", "kills what is left"), leaves] if act in HARDER else [leaves]
        if act == "drain":
            return [*self._drain_keys(), leaves]
        batches = [("Tab", "in batches")] if act in RESTARTS and len(self._views) > 1 else []
        return [("Enter", WORDS[act].does), *batches, leaves]

    def _drain_keys(self) -> list[tuple[str, str]]:
        views = tuple(self._views.values())
        unable = undrainable(views)
        instead = self._acting.instead
        choice = [("x", "does not stop them" if instead else "stops instead")] if unable else []
        if len(unable) < len(views):
            return [("Enter", "drains, stops" if unable and instead else "drains"), *choice]
        return [("Enter", "stops"), *choice] if instead else choice

    def action_batch(self) -> None:
        acting = self._acting
        if not acting.going and acting.act in RESTARTS and len(self._views) > 1:
            sizes = [size for size in _BATCHES if size < len(self._views)]
            acting.batch = sizes[(sizes.index(acting.batch) + 1) % len(sizes)]
            self.redraw()

    def action_stop_instead(self) -> None:
        if not self._acting.going and self._acting.act == "drain":
            self._acting.instead = not self._acting.instead
            self.show_keys(*self._keys_now())
            self.redraw()

    def action_scroll(self, pages: int) -> None:
        self.query_one(Sheet).action_scroll_pages(pages)

    def action_confirm(self) -> None:
        if self._acting.going:
            self.dismiss(True)
        elif self._typed is None:
            self._begin(self._acting.act)

    def submitted(self, value: str) -> None:
        if value.strip() == self._typed:
            self._begin(self._wanted)
        else:
            self.complain(f"type {self._typed}")

    def action_harder(self) -> None:
        """Kills what is left of a stop; of more than one, after their number was typed."""
        if not self._acting.going or self._acting.act not in HARDER:
            return
        self._wanted = HARDER[self._acting.act]
        left = self._left(self._wanted)
        if len(left) > 1:
            self._typed = str(len(left))
            self._show_field()
        elif left:
            self._begin(self._wanted)

    # ------------------------------------------------------------ doing it

    def _begin(self, act: str) -> None:
        views = self._now()
        if act == "drain" and not self._acting.instead and len(undrainable(views)) == len(views):
            self.complain("it cannot: x stops instead")
            return
        asks = self._asks(act, views)
        self._acting.going, self._acting.act, self._typed = True, act, None
        self._show_field()
        for each, targets in asks:
            # The app's own: what was asked for goes on without this dialog.
            self.app.run_worker(self._carry_out(each, targets), group="acts")

    def _asks(self, act: str, views: list[WorkerView]) -> list[tuple[str, list[Target]]]:
        """Which act for which runs."""
        if act != "drain":
            return [(act, _targets(self._left(act) if self._acting.going else views, act))]
        unable = undrainable(views)
        asks = [("drain", _targets([view for view in views if view not in unable], "drain"))]
        return [*asks, ("stop", _targets(unable, "stop"))] if self._acting.instead else asks

    def _left(self, act: str) -> list[WorkerView]:
        """What a harder act is for: of a restart only those that are being stopped now."""
        views = [view for view in self._now() if view.live]
        if act == "restart_force":
            return [view for view in views if view.record.state == "stopping"]
        return views

    async def _carry_out(self, act: str, targets: list[Target]) -> None:
        app, batch = self.console_app, self._acting.batch
        try:
            outcomes = await self.runtime.workers.act(targets, act, batch=batch)
        except QuarterdeckError as error:
            app.say(str(error), bad=True)
            return
        failed = [one for one in outcomes if not one.done]
        self._acting.failures.update({one.key: one.text for one in failed})
        if failed:
            app.say(f"{WORDS[act].title}: {len(failed)} not done: {_first(failed)}", bad=True)
        elif batch and not self.is_attached:
            app.say(f"{WORDS[act].title}: {len(outcomes)} done")

    def _look(self) -> None:
        """Repaints, and leaves when all that was asked for is so."""
        self.redraw()
        acting = self._acting
        if acting.going and not acting.failures and self._typed is None and self._reached():
            self.console_app.say(f"{named(tuple(self._now()))}: {WORDS[acting.act].reached}")
            self.dismiss(True)

    def _reached(self) -> bool:
        views, act = self._now(), self._acting.act
        if act in RESTARTS:
            return all(_runs_again(view, self._views[view.key]) for view in views)
        if act != "drain":
            return all(_is_over(view) for view in views)
        asked = views if self._acting.instead else [view for view in views if view.record.drain]
        return all(view.record.desired == "drained" or _is_over(view) for view in asked)


def _targets(views: Sequence[WorkerView], act: str) -> list[Target]:
    return [Target.of(view.node, view.record) for view in views if view.accepts(act)]


def _first(failed: Sequence[Outcome]) -> str:
    return f"{failed[0].name}@{failed[0].node}: {failed[0].text}"


def _is_over(view: WorkerView) -> bool:
    return not view.live and not view.record.leftovers


def _runs_again(view: WorkerView, before: WorkerView) -> bool:
    return view.record.attempt > before.record.attempt and view.record.state == "running"
