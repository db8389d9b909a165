"""SIGTERM and SIGHUP end the console in order: the terminal is restored, the links are closed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from textual.app import App


def end_on_signals(app: App[Any]) -> Callable[[], None]:
    """Sets the handlers (main thread only; elsewhere nothing); gives what takes them back."""
    loop = asyncio.get_running_loop()
    taken: list[int] = []
    for number in (signal.SIGTERM, signal.SIGHUP):
        try:
            loop.add_signal_handler(number, _end, app, number)
            taken.append(number)
        except (RuntimeError, ValueError, NotImplementedError):
            break

    def release() -> None:
        for number in taken:
            loop.remove_signal_handler(number)

    return release


def _end(app: App[Any], number: int) -> None:
    app.exit(return_code=128 + number)
