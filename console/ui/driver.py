"""The terminal: writing to it never waits, whatever it does, and nothing but the screen writes to it.

Textual's own writer holds thirty writes and then blocks the event loop, so that a terminal that stops
reading would stop the monitoring. Here a bounded backlog is kept; what does not fit is dropped whole, and
when the terminal reads again everything is painted anew.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from console.ui.app import QuarterdeckApp

BACKLOG_BYTES = 512 * 1024
_GOODBYE_S = 1.0  # how long leaving waits for a terminal that does not read


class TerminalWriter(threading.Thread):
    """Writes to a descriptor in the background. `write` returns at once, always."""

    def __init__(self, descriptor: int, recovered: Callable[[], None]) -> None:
        """`recovered` is called from the thread when all is written after something was dropped."""
        super().__init__(daemon=True, name="terminal-writer")
        self._descriptor = descriptor
        self._recovered = recovered
        self._wake = threading.Condition()
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._dropped = False
        self._closing = False
        self.broken = False  # the terminal is gone

    @property
    def backlog_bytes(self) -> int:
        """What waits to be written."""
        return self._waiting

    def write(self, text: str) -> None:
        """Queues `text`, or drops it where the backlog is full."""
        data = text.encode("utf-8", "replace")
        with self._wake:
            if self.broken or self._closing:
                return
            if self._waiting and self._waiting + len(data) > BACKLOG_BYTES:
                self._dropped = True
                return
            self._queue.append(data)
            self._waiting += len(data)
            self._wake.notify()

    def forget_backlog(self) -> None:
        """What has not begun to be written will not be: what comes next matters more."""
        with self._wake:
            self._waiting -= sum(len(data) for data in self._queue)
            self._queue.clear()

    def close(self) -> None:
        """Writes what is queued and ends; gives up on a terminal that does not read."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self.join(_GOODBYE_S)

    def run(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._closing:
                    self._wake.wait()
                if not self._queue:
                    return
                data = b"".join(self._queue)
                self._queue.clear()
            self._put(data)
            with self._wake:
                self._waiting -= len(data)
                recovered = self._dropped and not self._queue
                if recovered:
                    self._dropped = False
            if recovered:
                self._recovered()

    def _put(self, data: bytes) -> None:
        view = memoryview(data)
        while view and not self.broken:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                threading.Event().wait(0.02)
            except OSError:
                self.broken = True


class TerminalDriver(LinuxDriver):
    """Textual's driver with our writer; while it is open, descriptors 1 and 2 lead to the log."""

    def __init__(self, app: QuarterdeckApp, **options: Any) -> None:
        super().__init__(app, **options)
        self._console = app
        self._terminal: int | None = None
        self._saved: dict[int, int] = {}
        self.writer: TerminalWriter | None = None

    def start_application_mode(self) -> None:
        self._terminal = os.dup(_terminal_of((1, 2)))
        self._divert()
        loop, app = self._loop, self._console

        def recovered() -> None:
            loop.call_soon_threadsafe(app.repaint_everything)

        # Else the app begins at what COLUMNS and LINES claim, and lays itself out from one to the other forever.
        self._size = self._get_terminal_size()
        self.writer = TerminalWriter(self._terminal, recovered)
        self.writer.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def write(self, data: str) -> None:
        if self.writer is not None:
            self.writer.write(data)

    def stop_application_mode(self) -> None:
        if self.writer is not None:
            self.writer.forget_backlog()
        super().stop_application_mode()

    def close(self) -> None:
        super().close()
        if self.writer is not None:
            self.writer.close()
            stuck = self.writer.is_alive()
            self.writer = None
            self._restore()
            if self._terminal is not None and not stuck:
                os.close(self._terminal)
            self._terminal = None

    def _sigcont_application(self, *_: object) -> None:
        """Going on after a stop. One that nobody announced (SIGSTOP, a frozen machine) took nothing down,
        and the shell may have changed the terminal: all is taken down first, so that nothing is set up twice.
        """
        if self._auto_restart and self.writer is not None:
            self.suspend_application_mode()
            self._must_signal_resume = True
        super()._sigcont_application()

    def _get_terminal_size(self) -> tuple[int, int]:
        if self._terminal is not None:
            try:
                size = os.get_terminal_size(self._terminal)
                if size.columns and size.lines:
                    return size.columns, size.lines
            except OSError:
                pass
        return super()._get_terminal_size()

    def _divert(self) -> None:
        try:
            log = self._console.logbook.open()
        except OSError:
            log = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        for descriptor in (1, 2):
            self._saved[descriptor] = os.dup(descriptor)
            os.dup2(log, descriptor)
        os.close(log)

    def _restore(self) -> None:
        for descriptor, saved in self._saved.items():
            os.dup2(saved, descriptor)
            os.close(saved)
        self._saved.clear()


def _terminal_of(descriptors: tuple[int, ...]) -> int:
    """The first that leads to a terminal: either may have been redirected to a file."""
    return next((number for number in descriptors if os.isatty(number)), descriptors[-1])
