"""Starts workers: a preset or a command, where, how many; below stands exactly what will run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from console.errors import QuarterdeckError
from console.operations.workers import Outcome, StartPlan
from console.text import one_line
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import PAPER, Dialog, DialogKeys
from console.ui.widgets.choice import Choice
from console.ui.widgets.sheet import Sheet
from console.ui.workers.start_form import FIELDS, ROWS, hint, request
from console.ui.workers.start_sheet import plan_lines

if TYPE_CHECKING:
    from console.settings.presets import PresetSettings

SETTLE_S = 0.3  # the nodes are not asked at every keystroke
_COMMAND = "a command"  # no preset has a blank in its name
_FRAME = len(ROWS) + 7


class StartModal(Dialog[bool]):
    """True where something was started. An empty field is as the preset says, and shows what that is."""

    title_text = "Start workers"
    DEFAULT_CSS = """
    StartModal > #box { width: 110; }
    StartModal #box .row { height: 1; }
    StartModal #box .label { width: 13; padding: 0 0 0 1; color: $text-muted; }
    StartModal #box .label.later { width: auto; padding: 0 1 0 2; }
    StartModal #box .row > Input { margin: 0; width: 1fr; }
    StartModal #box .row > Input.wide { width: 3fr; }
    StartModal #box #plan { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "Start", show=False),
        Binding("ctrl+n", "preset(1)", "Next preset", show=False),
        Binding("ctrl+p", "preset(-1)", "Previous preset", show=False),
        # Before the field has them: what is typed right behind belongs to the next field.
        Binding("down,tab", "app.focus_next", "Next field", show=False, priority=True),
        Binding("up,shift+tab", "app.focus_previous", "Previous field", show=False, priority=True),
        Binding("pageup", "scroll(-1)", "Up", show=False),
        Binding("pagedown", "scroll(1)", "Down", show=False),
    ]
    keys = (("← →", "preset"), ("Tab", "next field"), ("Enter", "starts"), ("Esc", "does nothing"))

    def __init__(self, nodes: Sequence[str], preset: str = "") -> None:
        super().__init__()
        self._where = tuple(nodes)
        self._first = preset
        self._presets: tuple[PresetSettings, ...] = ()
        self._plan: StartPlan | None = None
        self._fault = ""
        self._asking = False
        self._busy = False

    def compose(self) -> ComposeResult:
        self._presets = self.runtime.workers.presets()
        names = [preset.name for preset in self._presets]
        with Vertical(id="box"):
            with Horizontal(classes="row"):
                yield Static("preset", classes="label", markup=False)
                yield Choice([*names, _COMMAND], names.index(self._first) if self._first else 0)
            for row in ROWS:
                with Horizontal(classes="row"):
                    for place, field in enumerate(row):
                        later = " later" if place else ""
                        yield Static(field.label, classes=f"label{later}", markup=False)
                        wide = "wide" if field.wide > 1 else ""
                        yield Input(id=field.name, classes=wide, select_on_focus=False)
            plan = Sheet(self._plan_lines, paper=PAPER, fitted=True, id="plan")
            plan.can_focus = False
            yield plan
            yield DialogKeys(self.keys)

    def on_mount(self) -> None:
        self.query_one("#nodes", Input).value = ",".join(self._where)
        self._show_hints()
        self._think()

    def first_focus(self) -> Widget:
        chooses = self._presets and not self._first
        return self.query_one(Choice) if chooses else self.query_one("#command", Input)

    def _give_room(self) -> None:
        """The plan scrolls where the box would not fit."""
        room = self.size.height * 94 // 100 - _FRAME
        self.query_one("#plan").styles.max_height = max(3, room)

    # ------------------------------------------------------------ choosing

    @property
    def _preset(self) -> PresetSettings | None:
        place = self.query_one(Choice).place
        return self._presets[place] if place < len(self._presets) else None

    def action_preset(self, by: int) -> None:
        self.query_one(Choice).action_choose(by)

    def on_choice_chosen(self, message: Choice.Chosen) -> None:
        message.stop()
        self._show_hints()
        self._think()

    def _show_hints(self) -> None:
        for field in FIELDS:
            said = one_line(hint(field, self._preset))
            self.query_one(f"#{field.name}", Input).placeholder = said

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._think()

    def action_scroll(self, pages: int) -> None:
        self.query_one("#plan", Sheet).action_scroll_pages(pages)

    # ------------------------------------------------------------ the plan

    def _think(self) -> None:
        """Plans anew with what stands in the fields, then asks the nodes; nothing is changed there."""
        preset = self._preset
        try:
            wanted = request(preset.name if preset else "", self._value)
            self._plan, self._fault = self.runtime.workers.plan(wanted), ""
        except (QuarterdeckError, ValueError) as error:
            self._plan, self._fault = None, str(error)
        self._asking = self._plan is not None
        self.workers.cancel_group(self, "plan")
        if self._plan is not None:
            # Not the coroutine: one that is cancelled before its turn would never be awaited.
            question: Callable[[], Any] = self._ask
            self.run_worker(question, group="plan")
        self.complain("")
        self.redraw()

    async def _ask(self) -> None:
        plan = self._plan
        await asyncio.sleep(SETTLE_S)
        if plan is None:
            return
        checked = await self.runtime.workers.check(plan)
        if self.is_attached and self._plan is plan:
            self._plan, self._asking = checked, False
            self.redraw()

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _plan_lines(self, pen: Pen) -> list[Line]:
        if self._plan is None:
            return words(pen, self._fault or "nothing to start yet", pen.inks.warn, 1)
        return plan_lines(self._plan, self._asking, pen)

    # ------------------------------------------------------------ doing it

    def submitted(self, value: str) -> None:
        self.action_start()

    def action_start(self) -> None:
        plan = self._plan
        if self._busy or self.console_app.read_only:
            return
        if plan is None or plan.against or not any(start.ok for start in plan.starts):
            self.complain(self._fault or "nothing can be started")
            return
        self._busy = True
        self.complain("starting…")
        # The app's own: what was asked for goes on without this dialog.
        self.app.run_worker(self._start(plan), group="acts")

    async def _start(self, plan: StartPlan) -> None:
        try:
            outcomes = await self.runtime.workers.start(plan)
        except QuarterdeckError as error:
            self.console_app.say(f"nothing was started: {error}", bad=True)
            self._busy = False
            return
        failed = [outcome for outcome in outcomes if not outcome.done]
        self._say(outcomes, failed)
        if self.is_attached and not failed:
            self.dismiss(True)
        elif self.is_attached:
            self._plan, self._busy = None, False
            self._fault = "\n".join(f"{each.name}@{each.node}: {each.text}" for each in failed)
            self.complain(f"{len(failed)} not started")
            self.redraw()

    def _say(self, outcomes: Sequence[Outcome], failed: Sequence[Outcome]) -> None:
        app, count = self.console_app, len(outcomes) - len(failed)
        if count:
            notes = dict.fromkeys(note for outcome in outcomes for note in outcome.notes)
            app.say("; ".join((f"{count} worker{'s'[: count != 1]} started", *notes)))
        if failed and not self.is_attached:
            first = failed[0]
            said = f"{len(failed)} not started: {first.name}@{first.node}: {first.text}"
            app.say(said, bad=True)
