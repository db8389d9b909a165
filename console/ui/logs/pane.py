"""The pane that shows logs: what it follows, what it looks for, and its keys. On a screen of its own and in a tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message

from console.ui.contained import Contained
from console.ui.keys import key
from console.ui.logs.caption import caption
from console.ui.logs.feed import LogFeed, LogSource, feed_of
from console.ui.logs.following import Following
from console.ui.logs.places import Places
from console.ui.logs.seeking import Seeking
from console.ui.logs.visit import Visit
from console.ui.paint import Inks, Piece
from console.ui.widgets.caption import Caption
from console.ui.widgets.filter_bar import FilterBar
from console.ui.widgets.log_view import LogView

if TYPE_CHECKING:
    from console.ui.app import QuarterdeckApp

FRAME_S = 1 / 15
STREAMS = ("both", "out", "err")
_HINT = "a regular expression; small letters find capitals too"


class LogPane(Seeking, Places, Contained, Container):
    """`follow` says whose logs; nothing is read before that, nor after `leave`."""

    DEFAULT_CSS = """
    LogPane { height: 1fr; width: 1fr; }
    LogPane FilterBar { margin-bottom: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("f", "follow", "follow", "show each new line as it comes, or stay here", show=True),
        key("slash", "find", "search", "a regular expression, here and in the whole log on the node", show=True),
        Binding("n", "next_match(1)", "next", show=False, id="log_next", tooltip="the next match below"),
        Binding("N", "next_match(-1)", "previous", show=False, id="log_previous", tooltip="the next match above; past what is here, where it stands on the node"),
        key("ampersand", "only", "only", "only the lines that match, here and in the whole log", show=True),
        Binding("e", "next_fault(1)", "error", show=True, id="log_error", tooltip="the next error below: tracebacks, CUDA out of memory, NCCL, NaN"),
        Binding("E", "next_fault(-1)", "error above", show=False, id="log_error_above", tooltip="the next error above"),
        key("i", "faults", "errors", "what went wrong in the whole log, grouped and counted", show=True),
        key("w", "wrap", "wrap", "long lines over several rows, or cut", show=True),
        key("t", "times", "times", "the column of times", show=True),
        key("v", "streams", "out/err", "standard output, standard error, or both", show=True),
        key("M", "matches", "matches", "all matches in a list, the newest first"),
        key("o", "open_file", "file", "follow any file of a node", show=True),
        key("W", "save_log", "save log", "copy the whole log, byte for byte, to a file here"),
        Binding("g,home", "edge(-1)", "top", show=False, id="log_top", tooltip="the first line here; again: what is before it on the node"),
        Binding("G,end", "edge(1)", "end", show=False, id="log_end", tooltip="the newest line, and follow"),
    ]  # fmt: skip

    class CursorMoved(Message):
        """The cursor stands on another line."""

    def __init__(self) -> None:
        super().__init__()
        self.following: Following | None = None
        self.streams = "both"
        self.find_text = ""
        self.only = False
        self.search_word = ""  # what the search on the nodes could not do
        self.visit: Visit | None = None
        self.searching: frozenset[str] = frozenset()  # tags of the sources that are searched
        self._typing_only = False
        self._due = False  # something came that is not painted yet

    @property
    def console_app(self) -> QuarterdeckApp:
        return cast("QuarterdeckApp", self.app)

    @property
    def feed(self) -> LogFeed | None:
        return feed_of(self.console_app.runtime)

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    def compose(self) -> ComposeResult:
        yield Caption(self._caption)
        yield LogView()
        yield FilterBar(_HINT)

    def on_mount(self) -> None:
        self.set_interval(FRAME_S, self.frame)

    async def on_unmount(self) -> None:
        await self.leave()

    # ------------------------------------------------------------ whose logs

    async def follow(self, sources: Sequence[LogSource]) -> None:
        """Follows these from now on, from near their ends."""
        await self.leave()
        feed = self.feed
        if feed is None or not sources:
            return
        store = self.console_app.runtime.store

        def skew(node: str) -> float:
            known = store.nodes.get(node)
            return (known.clock_offset_s or 0.0) if known else 0.0

        def seen(node: str) -> bool:
            known = store.nodes.get(node)
            return known is not None and known.state == "up"

        self.following = Following(feed, sources, lambda: store.clock, skew, seen, self.streams)
        self.following.start()
        tags = tuple(source.tag for source in sources) if len(sources) > 1 else ()
        self.view.set_form(tags=tags, both=self.streams == "both")
        self._look_for()
        self.view.go_to_end()
        self.show()

    async def leave(self) -> None:
        """Reads no more."""
        following, self.following, self.visit = self.following, None, None
        self.workers.cancel_group(self, "logs")
        if following is not None:
            await following.close()

    def frame(self) -> None:
        """Takes in what has come, and paints it unless the screen is held still."""
        following = self.following
        if following is None or not self.is_on_screen:
            return
        with self.guard("taking in log lines"):
            self._due = following.frame() or self._due
            if self.console_app.paused:
                return
            if self._due and self.visit is None:
                self._due = False
                self.show()
            self.query_one(Caption).refresh()

    def show(self) -> None:
        """The right book in the view."""
        following, view = self.following, self.view
        if following is None:
            return
        if self.visit is not None:
            view.show(self.visit.book)
        elif self.only and following.finder is not None:
            view.show(following.finder.matches)
        else:
            view.show(following.book, following.live)
        view.empty = self._nothing(following)

    def _nothing(self, following: Following) -> str:
        if self.only:
            return "no line matches"
        troubles = [each.why for each in following.followed if each.why]
        return troubles[0] if troubles else "no lines yet"

    def _caption(self, inks: Inks) -> list[Piece]:
        return caption(self, inks, self.console_app.glyphs)

    # ------------------------------------------------------------ what the cursor stands on

    @property
    def source(self) -> LogSource | None:
        """Of the line under the cursor."""
        following = self.following
        if following is None or not following.followed:
            return None
        line = self.view.current
        return following.sources[line.source if line else 0]

    def text_to_copy(self) -> str:
        line = self.view.current
        return line.text if line else ""

    def on_log_view_moved(self, message: LogView.Moved) -> None:
        message.stop()
        self.query_one(Caption).refresh()
        self.post_message(self.CursorMoved())

    def step_back(self) -> bool:
        """Esc: back from another place of the log, then all lines again, then no search."""
        if self.visit is not None:
            self._come_back()
        elif self.only:
            self.only = False
            self.show()
        elif self.find_text:
            self.look_for("")
        else:
            return False
        return True

    # ------------------------------------------------------------ how it looks

    def action_follow(self) -> None:
        if self.visit is not None:
            self._come_back()
        elif self.view.follow:
            self.view.hold()
        else:
            self.view.go_to_end()

    def action_edge(self, end: int) -> None:
        if end < 0:
            self.view.go_to_top()
        elif self.visit is not None:
            self._come_back()
        else:
            self.view.go_to_end()

    def action_wrap(self) -> None:
        self.view.set_form(wrap=not self.view.form.wrap, shift=0)

    def action_times(self) -> None:
        self.view.set_form(times=not self.view.form.times)

    async def action_streams(self) -> None:
        self.streams = STREAMS[(STREAMS.index(self.streams) + 1) % len(STREAMS)]
        if self.following is not None:
            await self.follow(self.following.sources)
