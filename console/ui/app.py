"""The screen front end: subscribes to the store, hands changes to the screen on top, and runs the actions.

It looks and asks; it keeps no facts. Changes are collected and shown at most four times a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Input

from console.fleet.changes import AlertsChanged, Change, NodeChanged
from console.fleet.summary import FleetSummary
from console.settings.places import places
from console.ui import registry
from console.ui.ascii import AsciiOnly
from console.ui.collector import SETTLED_S, calm
from console.ui.contained import Contained
from console.ui.driver import TerminalDriver
from console.ui.first_run import is_first_run
from console.ui.glyphs import ASCII, UNICODE
from console.ui.job_actions import JobActions
from console.ui.keys import APP_KEYS, CHANGING, keymap, screen_keys
from console.ui.logbook import Logbook
from console.ui.messages import NodeOpened
from console.ui.paint import Inks
from console.ui.palette import ActionProvider
from console.ui.screens.base import FleetAwareScreen
from console.ui.signals import end_on_signals
from console.ui.themes import DEFAULT, THEMES

if TYPE_CHECKING:
    from console.operations.bulletin import Bulletin
    from console.runtime import Runtime
    from console.ui.logs.feed import LogSource

REPAINT_S = 0.25
SUMMARY_S = 1.0
_SEVERITIES: Mapping[str, SeverityLevel] = {"warning": "warning", "error": "error"}
LARGE_FLEET = 200  # nodes; adding up more of them four times a second would be felt


class QuarterdeckApp(JobActions, Contained, App[int]):
    """`runtime` is already running, and stays so after the app has ended."""

    CSS_PATH = "console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*APP_KEYS, *screen_keys()]
    COMMANDS: ClassVar = {ActionProvider}
    ENABLE_COMMAND_PALETTE = True
    TITLE = "Quarterdeck"

    paused: bool

    def __init__(
        self,
        runtime: Runtime,
        *,
        ascii_only: bool = False,
        theme: str | None = None,
        keys: Mapping[str, str | Sequence[str]] | None = None,
        state_directory: Path | None = None,
        note: str = "",
        first_filter: str = "",
    ) -> None:
        """`keys` rebinds action ids (`console/ui/keys.py`); `note` ("demo") stands in the summary line;
        `first_filter` is the one the Fleet screen opens with. It must have been parsed once.

        What is not given here comes from the settings' `ui`.
        """
        super().__init__(driver_class=TerminalDriver)
        self.features = frozenset()  # no development tools, whatever the environment says
        self.devtools = self.css_monitor = None
        self.runtime = runtime
        wishes = getattr(runtime.settings, "ui", None)
        self.glyphs = ASCII if ascii_only or getattr(wishes, "ascii", False) else UNICODE
        self.logbook = Logbook(state_directory or places().state)
        self.last_words = ""  # why the app ended by itself
        self.failures: list[str] = []  # what went wrong and was contained, newest last
        self.paused = False
        self.note = note
        self.first_filter = first_filter
        self.followed_logs: tuple[LogSource, ...] = ()  # for the next time the Logs screen opens
        self._wanted_theme = theme or getattr(wishes, "theme", None) or DEFAULT
        self._wanted_keys = keymap(
            keys if keys is not None else getattr(wishes, "keys", None) or {}
        )
        self._unsubscribe: Callable[[], object] = _nothing
        self._leave_signals: Callable[[], None] = _nothing
        self._changed: set[str] = set()
        self._alerts_changed = False
        self._inks: dict[tuple[str, str, str], Inks] = {}
        self._ascii_only = AsciiOnly()
        self._bulletins: deque[Bulletin] = deque()
        self._leave_board: Callable[[], object] = _nothing
        self._rouse_collector: Callable[[], None] = lambda: None
        self._summary_due = True
        self._summary: tuple[float, FleetSummary] | None = None

    @property
    def read_only(self) -> bool:
        return bool(self.runtime.read_only)

    # ------------------------------------------------------------ life

    def get_default_screen(self) -> Screen[None]:
        screen: Screen[None] = registry.FLEET.make()
        return screen

    def on_mount(self) -> None:
        self.logbook.capture_logging()
        for theme in THEMES:
            self.register_theme(theme)
        known = self._wanted_theme in self.available_themes
        self.theme = self._wanted_theme if known else DEFAULT
        self.set_keymap(self._wanted_keys)
        self._unsubscribe = self.runtime.store.subscribe(self._heard)
        self._leave_board = self.runtime.board.subscribe(self._bulletins.append)
        self._leave_signals = end_on_signals(self)
        self.set_interval(REPAINT_S, self.show_changes)
        self.set_timer(SETTLED_S, self._calm_collector)
        attach = getattr(getattr(self.runtime, "prompter", None), "attach", None)
        if attach is not None:
            attach(self)
        if is_first_run(self.runtime):
            self.call_after_refresh(self.action_pick_hosts)

    def _calm_collector(self) -> None:
        self._rouse_collector = calm()

    def on_unmount(self) -> None:
        self._rouse_collector()
        self._unsubscribe()
        self._leave_board()
        self._leave_signals()
        self.logbook.release_logging()

    # ------------------------------------------------------------ changes

    def _heard(self, change: Change) -> None:
        if isinstance(change, NodeChanged):
            if change.what != "heartbeat":
                self._changed.add(change.node)
        elif isinstance(change, AlertsChanged):
            self._alerts_changed = True

    def on_key(self, event: events.Key) -> None:
        """Keys typed in one burst with the one that opened a line to type in belong to that line.

        A line with the focus keeps its keys to itself, so what arrives here was sent before it had it.
        """
        line = self.focused
        if isinstance(line, Input) and event.is_printable and event.character:
            event.prevent_default()
            line.replace(event.character, *sorted(line.selection))

    def show_changes(self) -> None:
        """Hands what changed to the screen on top; nothing while paused."""
        if not self.screen_stack:
            return  # the console ends, and its last screen is gone
        screen = self.screen
        self._say_bulletins()
        if self.paused or not isinstance(screen, FleetAwareScreen) or not screen.is_mounted:
            return  # one that is still being built is told when it resumes
        names, alerts = frozenset(self._changed), self._alerts_changed
        self._changed.clear()
        self._alerts_changed = False
        self._summary_due = len(self.runtime.store.nodes) <= LARGE_FLEET
        screen.deliver_changes(names, alerts)

    def _say_bulletins(self) -> None:
        """What the console itself has to say; a bad one stays long enough to be read."""
        while self._bulletins:
            bulletin = self._bulletins.popleft()
            severity = _SEVERITIES.get(bulletin.level, "information")
            seconds = 4 if severity == "information" else 12
            self.notify(bulletin.text[:500], severity=severity, markup=False, timeout=seconds)

    def present_fleet(self) -> None:
        """All nodes count as changed: a screen came on top."""
        self._changed.update(self.runtime.store.nodes)
        self._alerts_changed = True
        self.show_changes()

    def summary(self) -> FleetSummary:
        """The fleet in one line; of a large fleet it may be a second old."""
        store = self.runtime.store
        age = store.now - self._summary[0] if self._summary else SUMMARY_S
        if self._summary is None or self._summary_due or age >= SUMMARY_S:
            self._summary = (store.now, store.summary())
            self._summary_due = False
        return self._summary[1]

    def notes(self) -> Iterable[str]:
        """Short words for the right of the summary line: what is unusual about this view."""
        if self.note:
            yield self.note
        if self.read_only:
            yield "READ-ONLY"
        if self.paused:
            yield "PAUSED"
        if isinstance(self.screen, FleetAwareScreen):
            yield from self.screen.notes()

    # ------------------------------------------------------------ looks

    def inks(self, paper: str = "background", tint: str = "", share: float = 0.0) -> Inks:
        """The theme's inks on the paper of that name, tinted with `share` of the colour `tint`."""
        key = (self.theme, paper, tint)
        if key not in self._inks:
            plain = Inks(self.theme_variables, paper)
            self._inks[key] = plain.on(tint, share) if tint else plain
        return self._inks[key]

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return [*filters, self._ascii_only] if self.glyphs is ASCII else filters

    def repaint_everything(self) -> None:
        """The terminal lost what was written: paint it whole."""
        self.refresh(layout=True)

    def screen_built(self, name: str) -> bool:
        """Whether the screen of that name exists in this program."""
        return any(entry.name == name and entry.built for entry in registry.SCREENS)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """False hides the key and makes it do nothing."""
        if self.read_only and action in CHANGING:
            return False
        applies = self.worker_action_applies(action)
        return self.applies(action) if applies is None else applies

    # ------------------------------------------------------------ errors

    def record_failure(self, doing: str, error: BaseException) -> None:
        """Writes the traceback to the log and says so once; the console goes on."""
        self.failures.append(f"{doing}: {error!r}")
        del self.failures[:-100]
        if self.logbook.record(doing, error) and self._running:
            self.notify(
                f"{doing} failed: {type(error).__name__}. The traceback is in {self.logbook.path}",
                severity="error",
                markup=False,
            )

    def _handle_exception(self, error: Exception) -> None:
        """Textual would end the app here. Only what fails before there is a screen does that now."""
        if self._running and self._is_mounted and self._screen_stack and not self._exit:
            self.record_failure("console", error)
        else:
            self.logbook.record("console", error)
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Textual would print the locals of every frame, which may hold secrets."""
        name = type(self._exception).__name__
        self.last_words = f"the screen failed: {name}. The traceback is in {self.logbook.path}"
        self._close_messages_no_wait()

    # ------------------------------------------------------------ messages

    def on_node_opened(self, message: NodeOpened) -> None:
        self.open_node(message.node)


def _nothing() -> None:
    """Until there is something to take back."""
