"""Starts workers: a preset or a command, where, how many; below stands exactly what will run."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from console.errors import QuarterdeckError
from console.operations.recipes import StartRequest
from console.operations.start_plan import StartPlan
from console.ui.lines import Line, Pen, words
from console.ui.modals.dialog import PAPER, Dialog, DialogKeys
from console.ui.widgets.sheet import Sheet

SETTLE_S = 0.3  # the nodes are not asked at every keystroke
_COMMAND = "command…"
_FIELDS = (
    ("command", "command", "python train.py --epochs 100"),
    ("name", "name", "what it is called; copies get -1, -2, …"),
    ("nodes", "nodes", "names or tag:…, by commas"),
    ("copies", "copies", "on each node"),
    ("gpus", "GPUs", "for each copy"),
    ("directory", "directory", "where it runs, relative to the node's root"),
    ("restart", "restart", "never, on-failure or always"),
)


class StartModal(Dialog[bool]):
    """True where something was started. Left and right choose the preset, Tab goes through the fields."""

    title_text = "Start workers"
    DEFAULT_CSS = """
    StartModal > #box { width: 100; }
    StartModal #box #plan { max-height: 14; margin-top: 1; }
    StartModal #box .row { height: 1; }
    StartModal #box .row Static { width: 12; color: $text-muted; }
    StartModal #box .row Input { margin: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n,alt+right", "preset(1)", "Next preset", show=False),
        Binding("ctrl+p,alt+left", "preset(-1)", "Previous preset", show=False),
        # Before the field sees it: what is typed right after Tab belongs to the next field.
        Binding("tab", "app.focus_next", "Next field", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", "Previous field", show=False, priority=True),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Previous field", show=False),
    ]
    keys = (("Ctrl-N", "next preset"), ("Tab", "next field"), ("Enter", "starts"), ("Esc", "does nothing"))  # fmt: skip

    def __init__(self, nodes: Sequence[str]) -> None:
        super().__init__()
        self._where = tuple(nodes)
        self._presets = [_COMMAND]
        self._preset = 0
        self._plan: StartPlan | None = None
        self._fault = ""
        self._asking = False
        self._busy = False

    def compose(self) -> ComposeResult:
        self._presets = [preset.name for preset in self.runtime.workers.presets()] + [_COMMAND]
        with Vertical(id="box"):
            yield Sheet(self.lines, paper=PAPER, fitted=True)
            for name, label, hint in _FIELDS:
                with Horizontal(classes="row", id=f"row-{name}"):
                    yield Static(label, markup=False)
                    yield Input(placeholder=hint, id=name)
            yield Sheet(self._plan_lines, paper=PAPER, fitted=True, id="plan")
            yield DialogKeys(self.keys)

    def on_mount(self) -> None:
        self.query_one("#nodes", Input).value = ",".join(self._where)
        self.query_one("#copies", Input).value = "1"
        self._choose(0)

    def first_focus(self) -> Widget:
        return self.query_one("#command" if self._as_command else "#nodes", Input)

    def _give_room(self) -> None:
        """The plan scrolls where the box would not fit."""
        self.query_one("#plan").styles.max_height = max(3, self.size.height - len(_FIELDS) - 12)

    @property
    def _as_command(self) -> bool:
        return self._presets[self._preset] == _COMMAND

    # ------------------------------------------------------------ choosing

    def action_preset(self, by: int) -> None:
        self._choose((self._preset + by) % len(self._presets))

    def _choose(self, place: int) -> None:
        """Another preset: its own values stand in the fields as hints."""
        self._preset = place
        self.query_one("#row-command").display = self._as_command
        self.first_focus().focus()
        self.redraw()
        self._think()

    def redraw(self) -> None:
        for sheet in self.query(Sheet):
            sheet.redraw()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._think()

    def _think(self) -> None:
        """Plans anew with what stands in the fields, then asks the nodes; nothing is changed there."""
        try:
            self._plan, self._fault = self.runtime.workers.plan(self._request()), ""
        except (QuarterdeckError, ValueError) as error:
            self._plan, self._fault = None, str(error)
        self._asking = self._plan is not None
        if self._plan is not None:
            self.run_worker(self._ask(self._plan), exclusive=True, group="plan")
        self.query_one("#plan", Sheet).redraw()

    async def _ask(self, plan: StartPlan) -> None:
        await asyncio.sleep(SETTLE_S)
        checked = await self.runtime.workers.check(plan)
        if self.is_attached and self._plan is plan:
            self._plan, self._asking = checked, False
            self.query_one("#plan", Sheet).redraw()

    def _request(self) -> StartRequest:
        """Raises ValueError for a field that cannot be understood."""
        copies, gpus = self._value("copies"), self._value("gpus")
        for name, value in (("copies", copies), ("GPUs", gpus)):
            if value and not value.isdigit():
                raise ValueError(f"{name}: wanted a number, not {value}")
        command = tuple(shlex.split(self._value("command"))) if self._as_command else ()
        if self._as_command and not command:
            raise ValueError("type the command, or choose a preset with Ctrl-N")
        return StartRequest(
            preset="" if self._as_command else self._presets[self._preset],
            command=command,
            name=self._value("name"),
            nodes=tuple(word.strip() for word in self._value("nodes").split(",") if word.strip()),
            copies=int(copies) if copies else None,
            gpus=int(gpus) if gpus else None,
            directory=self._value("directory") or None,
            restart=self._value("restart") or None,
        )

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    # ------------------------------------------------------------ lines

    def lines(self, pen: Pen) -> list[Line]:
        inks = pen.inks
        choice: Line = [(" ", inks.text)]
        for place, name in enumerate(self._presets):
            here = place == self._preset
            choice.append((f"[{name}]" if here else f" {name} ", inks.strong if here else inks.dim))
        return [[], choice, []]

    def _plan_lines(self, pen: Pen) -> list[Line]:
        inks, plan = pen.inks, self._plan
        if plan is None:
            return words(pen, self._fault or "nothing to start yet", inks.warn, 1)
        count, nodes = sum(start.ok for start in plan.starts), len(plan.nodes)
        what = f"{count} worker{'s'[: count != 1]} on {nodes} node{'s'[: nodes != 1]}"
        asking = "; asking what stands against it…" if self._asking else ""
        lines: list[Line] = words(pen, what + asking, inks.text, 1)
        commands: dict[str, list[str]] = {}
        for start in plan.starts:
            if start.ok:
                commands.setdefault(start.shown, []).append(f"{start.spec.name}@{start.node}")
        for command, names in commands.items():
            lines += words(pen, command, inks.strong, 3)
            lines += words(pen, "as " + ", ".join(names), inks.dim, 3)
        for warning in plan.warnings:
            lines += words(pen, warning, inks.warn, 1)
        for refusal in plan.refusals:
            lines += words(pen, refusal, inks.bad, 1)
        return lines

    # ------------------------------------------------------------ doing it

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._busy:
            return
        if self._plan is None or not any(start.ok for start in self._plan.starts):
            self.complain(self._fault or "there is nothing to start")
            return
        self._busy = True
        self.complain("starting…")
        self.run_worker(self._start(self._plan), exclusive=True)

    async def _start(self, plan: StartPlan) -> None:
        try:
            outcomes = await self.runtime.workers.start(plan)
        except QuarterdeckError as error:
            self.complain(str(error))
            self._busy = False
            return
        failed = [outcome for outcome in outcomes if not outcome.done]
        started = len(outcomes) - len(failed)
        if started:
            self.console_app.say(f"{started} worker{'s'[: started != 1]} started")
        if not failed:
            self.dismiss(True)
            return
        self._plan, self._busy = None, False
        self._fault = "\n".join(f"{each.name}@{each.node}: {each.text}" for each in failed)
        self.complain(f"{len(failed)} not started")
        self.redraw()
