"""Python's cyclic collector, kept from long pauses: with a thousand nodes one sweep is a tenth of a second."""

from __future__ import annotations

import gc
from collections.abc import Callable

SETTLED_S = 3.0  # after this long what the console consists of is there
_THRESHOLDS = (20_000, 20, 50)


def calm() -> Callable[[], None]:
    """Sweeps once, lets later sweeps leave alone what is there now, and makes them rarer.

    Gives what takes it back. Memory is not held longer for it: all but cycles is freed at once anyway.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)

    def undo() -> None:
        gc.set_threshold(*before)
        gc.unfreeze()

    return undo
