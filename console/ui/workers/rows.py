"""The order of the rows: it is made on request, and nothing jumps while it is read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from console.fleet.workers import WorkerView
from console.ui.workers.columns import SORTS


class Rows:
    """Sorted once by `column`; from then on rows stay, and a new one comes where it belongs."""

    def __init__(self, column: str) -> None:
        self.column = column
        self.descending = False
        self._keys: list[str] = []
        self._ranks: list[Any] = []  # what each row was placed by

    def forget(self) -> None:
        """The next look sorts anew."""
        self._keys, self._ranks = [], []

    def placed(self, views: Mapping[str, WorkerView]) -> Sequence[str]:
        """The keys of `views` in the order they are shown in."""
        rank = SORTS[self.column]
        if not self._keys:
            self._keys = sorted(views, key=lambda key: rank(views[key]), reverse=self.descending)
            self._ranks = [_Rank(rank(views[key]), self.descending) for key in self._keys]
            return self._keys
        self._drop(views)
        for key in views.keys() - set(self._keys):
            mine = _Rank(rank(views[key]), self.descending)
            place = bisect_right(self._ranks, mine)
            self._keys.insert(place, key)
            self._ranks.insert(place, mine)
        return self._keys

    def _drop(self, views: Mapping[str, WorkerView]) -> None:
        kept = [
            (key, rank) for key, rank in zip(self._keys, self._ranks, strict=True) if key in views
        ]
        if len(kept) != len(self._keys):
            self._keys = [key for key, _ in kept]
            self._ranks = [rank for _, rank in kept]


class _Rank:
    """A sort key that can be turned round."""

    __slots__ = ("_turned", "_what")

    def __init__(self, what: tuple[Any, ...], turned: bool) -> None:
        self._what = what
        self._turned = turned

    def __lt__(self, other: _Rank) -> bool:
        return other._what < self._what if self._turned else self._what < other._what
