"""What the games under way have played so far, until each is written."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.selfplay.deciding import Decision

_TURNS = 64  # room at first; doubled when a game is longer


class History:
    """Of ``slots`` games, one row a turn. What a slot holds ends where its turns do: nothing is cleared."""

    def __init__(self, slots: int, players: int, actions: int) -> None:
        self._shapes: dict[str, tuple[tuple[int, ...], Any]] = {
            "moves": ((slots,), np.int16 if actions < 2**15 else np.int32),
            "passes": ((slots,), np.uint8),
            "targets": ((slots,), np.bool_),
            "values": ((slots, players), np.float32),
            "weights": ((slots, actions), np.uint16),
        }
        self._kept: dict[str, NDArray[Any]] = {}
        self._room = 0
        self.has_values = False
        self._slots = np.arange(slots)

    def note(self, turns: NDArray[np.int64], decision: Decision, passes: Any) -> None:
        """Takes one turn of all slots; ``turns`` [slots] are the turns before it, ``passes`` the forced passes
        after it (tensor [slots])."""
        at = (turns, self._slots)
        self._grow(int(turns.max()) + 1)
        self._put("moves", at, decision.moves)
        self._put("passes", at, passes)
        self._put("targets", at, decision.targets)
        self.has_values = decision.values is not None
        if decision.values is not None:
            self._put("values", at, decision.values)
        if bool(decision.targets.any()):
            self._put("weights", at, decision.weights)

    def keep(self, slots: NDArray[np.int64]) -> None:
        """Only these, in this order."""
        for name, array in self._kept.items():
            self._kept[name] = array[:, slots].copy()
        for name, (shape, kind) in self._shapes.items():
            self._shapes[name] = ((len(slots), *shape[1:]), kind)
        self._slots = np.arange(len(slots))

    def column(self, name: str, slot: int, turns: int) -> NDArray[Any] | None:
        """The first ``turns`` entries of one game; None where nothing was ever kept under the name."""
        array = self._kept.get(name)
        return None if array is None else array[:turns, slot]

    def _put(self, name: str, at: tuple[NDArray[np.int64], NDArray[np.int64]], given: Any) -> None:
        if name not in self._kept:
            shape, kind = self._shapes[name]
            self._kept[name] = np.zeros((self._room, *shape), kind)
        self._kept[name][at] = given.cpu().numpy()

    def _grow(self, turns: int) -> None:
        if turns <= self._room:
            return
        self._room = max(_TURNS, 2 * self._room)
        for name, array in self._kept.items():
            more = np.zeros((self._room - len(array), *array.shape[1:]), array.dtype)
            self._kept[name] = np.concatenate((array, more))
