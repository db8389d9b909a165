"""Blocking calls off the event loop: name look-ups, key files, `Match exec`.

asyncio's own pool is small and shared: a name server that answers after ten seconds would hold up
everything. These threads are our own, and daemons, so that none of them delays the end of the program.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class Threads:
    """Runs at most `limit` blocking calls at once."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._places = asyncio.Semaphore(limit)

    async def run(self, call: Callable[[], Result]) -> Result:
        """The result of `call`, or what it raised. Cancelling stops the waiting, not the call."""
        async with self._places:
            loop = asyncio.get_running_loop()
            outcome: asyncio.Future[Result] = loop.create_future()
            threading.Thread(
                target=_carry, args=(call, loop, outcome), name=self._name, daemon=True
            ).start()
            return await outcome


def _carry(
    call: Callable[[], Result], loop: asyncio.AbstractEventLoop, outcome: asyncio.Future[Result]
) -> None:
    result: Result | None = None
    failure: BaseException | None = None
    try:
        result = call()
    except BaseException as exc:  # handed to the one who waits
        failure = exc

    def deliver() -> None:
        if outcome.cancelled():
            return
        if failure is not None:
            outcome.set_exception(failure)
        else:
            outcome.set_result(result)  # type: ignore[arg-type]

    try:
        loop.call_soon_threadsafe(deliver)
    except RuntimeError:  # the loop is closed: nobody waits any more
        pass
