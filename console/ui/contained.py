"""One failed widget never ends the app: its error is written down, said in a toast, and the rest goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.message import Message
from textual.message_pump import MessagePump
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from console.ui.app import QuarterdeckApp


class Contained(MessagePump):
    """A message pump that survives its own handlers' errors. Mix in before Widget or Screen."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not self.is_running:  # it never came to life: the parent must know
                raise
            _app(self).record_failure(
                f"{type(self).__name__}: handling {type(message).__name__}", error
            )

    @contextmanager
    def guard(self, doing: str) -> Iterator[None]:
        """Runs the block; an error in it is recorded as happening while `doing` and goes no further."""
        try:
            yield
        except asyncio.CancelledError:
            raise
        except Exception as error:
            _app(self).record_failure(f"{type(self).__name__}: {doing}", error)


class ContainedWidget(Contained, Widget):
    """A widget whose failed line is a placeholder instead of the end of the screen."""

    def render_lines(self, crop: Region) -> list[Strip]:
        try:
            return super().render_lines(crop)
        except Exception as error:
            _app(self).record_failure(f"{type(self).__name__}: painting", error)
            text = f" {type(self).__name__} failed; the traceback is in the log ".ljust(crop.width)
            line = Strip([Segment(text[: crop.width], Style(reverse=True))])
            blank = Strip([Segment(" " * crop.width)])
            return [line, *[blank] * (crop.height - 1)][: crop.height]


class FleetAware(Protocol):
    """What wants to know that nodes changed: screens, and the widgets on them."""

    def fleet_changed(self, names: frozenset[str], alerts_changed: bool) -> None:
        """`names` changed since the last call; called at most four times a second, on screen only."""


def _app(pump: MessagePump) -> QuarterdeckApp:
    return cast("QuarterdeckApp", pump.app)
