"""What a job will do, shown before it does anything: hosts, files, bytes, commands. Then it is started, or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from console.errors import QuarterdeckError
from console.operations.outcomes import Target
from console.text import one_line
from console.ui.jobs.plan_lines import plan_lines
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import PAPER, Dialog, DialogKeys
from console.ui.widgets.choice import Choice
from console.ui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from console.fleet.workers import WorkerView
    from console.operations.jobs import JobPlan

TICK_S = 1.0


class JobPlanModal(Dialog[bool]):
    """True where it was started. Nothing can be started before its plan stands there."""

    DEFAULT_CSS = """
    JobPlanModal > #box { width: 130; }
    JobPlanModal #box .row { height: 1; }
    JobPlanModal #box .label { width: 6; padding: 0 0 0 1; color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "Start", show=False),
        Binding("left", "choose(-1)", "Previous job", show=False),
        Binding("right", "choose(1)", "Next job", show=False),
        Binding("ctrl+r", "again", "Plan again", show=False),
    ]

    def __init__(
        self, names: Sequence[str], nodes: Sequence[str] = (), retry: WorkerView | None = None
    ) -> None:
        """`names`: jobs to choose from. `nodes`: only these are worked on. `retry`: the run whose rest this is."""
        super().__init__()
        self._names = tuple(names)
        self._where = tuple(nodes)
        self._retry = retry
        self._plan: JobPlan | None = None
        self._fault = ""
        self._waited_s = 0.0
        self._busy = False

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            if len(self._names) > 1:
                with Horizontal(classes="row"):
                    yield Static("job", classes="label", markup=False)
                    yield Choice(self._names)
            yield Sheet(self._plan_lines, paper=PAPER, fitted=True)
            yield DialogKeys(self.keys)

    def on_mount(self) -> None:
        self.set_interval(TICK_S, self._tick)
        self._think()

    def first_focus(self) -> Widget:
        return self.query_one(Sheet)

    @property
    def _chosen(self) -> str:
        return self.query_one(Choice).word if len(self._names) > 1 else self._names[0]

    @property
    def _startable(self) -> bool:
        return self._plan is not None and not self._plan.refusals and not self.console_app.read_only

    # ------------------------------------------------------------ the plan

    def action_choose(self, by: int) -> None:
        for choice in self.query(Choice):
            choice.action_choose(by)

    def on_choice_chosen(self, message: Choice.Chosen) -> None:
        message.stop()
        self._think()

    def action_again(self) -> None:
        if not self._busy:
            self._think()

    def _think(self) -> None:
        """Asks what the job would do now; changes nothing anywhere."""
        self._plan, self._fault, self._waited_s = None, "", 0.0
        question: Callable[[], Any] = self._ask
        self.run_worker(question, group="plan", exclusive=True)
        self.title_text = self._title()
        self.query_one("#box").border_title = Content(self.title_text)
        self._show_keys()
        self.redraw()

    async def _ask(self) -> None:
        try:
            plan = await self._asked(self._chosen)
        except QuarterdeckError as error:
            self._fault = str(error)
        except Exception as error:  # a plan that never comes would be waited for in vain
            self.console_app.record_failure(f"planning {self._chosen}", error)
            self._fault = f"no plan: {type(error).__name__}; the traceback is in the log"
        else:
            self._plan = plan
            self.set_class(plan.job.kind == "prune", "bad")  # it removes what does not come back
        if self.is_attached:
            self._show_keys()
            self.redraw()

    async def _asked(self, name: str) -> JobPlan:
        jobs = self.runtime.jobs
        if self._retry is not None:
            return await jobs.retry(Target.of(self._retry.node, self._retry.record))
        return await jobs.plan(name, self._where)

    def _tick(self) -> None:
        if self._plan is None and not self._fault:
            self._waited_s += TICK_S
            self.redraw()

    # ------------------------------------------------------------ lines

    def _title(self) -> str:
        what = f"Plan of {self._chosen}"
        if self._retry is not None:
            what = f"What is left of {self._chosen}, run {self._retry.record.run_id[:12]}"
        only = f", only {', '.join(self._where)}" if self._where else ""
        return one_line(f"{what}{only}", 120)

    def _plan_lines(self, pen: Pen) -> list[Line]:
        inks = pen.inks
        if self._plan is not None:
            return [[], *plan_lines(self._plan, pen)]
        if self._fault:
            return [[], *words(pen, self._fault, inks.bad, 1)]
        waited = f" {self._waited_s:.0f} s" if self._waited_s >= 2 * TICK_S else ""
        said = f"asking the nodes what there is to do…{waited}"
        return [[], *words(pen, said, inks.dim, 1), *words(pen, "Nothing is changed by it.", inks.dim, 1)]  # fmt: skip

    def _show_keys(self) -> None:
        keys = [("Enter", "starts it")] if self._startable else []
        keys.append(("Esc", "does nothing"))
        keys += [("← →", "job")] if len(self._names) > 1 else []
        done = self._plan is not None or bool(self._fault)
        keys += [("Ctrl-R", "plans again")] if done else []
        self.show_keys(*keys, ("j k", "scroll"))

    def _give_room(self) -> None:
        """The plan scrolls where the box would not fit."""
        frame = 4 + (len(self._names) > 1)
        self.query_one(Sheet).styles.max_height = max(3, self.size.height * 94 // 100 - frame)

    # ------------------------------------------------------------ doing it

    def action_start(self) -> None:
        plan = self._plan
        if self._busy or self.console_app.read_only:
            return
        if plan is None or plan.refusals:
            self.complain(self._why_not())
            return
        self._busy = True
        self.complain("starting…")
        # The app's own: what was asked for goes on without this dialog.
        self.app.run_worker(self._start(plan), group="acts")

    def _why_not(self) -> str:
        if self._plan is not None:
            return "refused: see above"
        return "it has no plan" if self._fault else "its plan is not there yet"

    async def _start(self, plan: JobPlan) -> None:
        try:
            outcome = await self.runtime.jobs.start(plan)
        except QuarterdeckError as error:
            self._failed(str(error))
            return
        if not outcome.done:
            self._failed(outcome.text)
            return
        notes = f": {'; '.join(outcome.notes)}" if outcome.notes else ""
        self.console_app.say(f"{plan.name} started on {plan.node}{notes}")
        if self.is_attached:
            self.dismiss(True)

    def _failed(self, why: str) -> None:
        self._busy = False
        if not self.is_attached:
            self.console_app.say(f"{self._names[0]} was not started: {why}", bad=True)
            return
        self._plan, self._fault = None, f"It was not started: {why}"
        self._show_keys()
        self.redraw()
