"""Workers told together: copies of one worker, and how many there are of each state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from console.fleet.workers.view import WorkerView
from console.fleet.workers.words import health_word, is_as_wanted, outcome, state_word

RUN, UNSEEN = "run", "unseen"
# The order in which states are told: what runs, what is wrong, what is on its way.
_ORDER = (RUN, "slow", "stalled", "blocked", "crash-loop", "failed", "lost", "kill pending",
          "starting", "stopping", "back-off", "draining", UNSEEN)  # fmt: skip
_BAD = frozenset({"stalled", "blocked", "crash-loop", "failed", "lost", "kill pending"})
_OTHERS = frozenset({"command", "job"})  # shown where they were asked for, and on the Jobs screen


class WorkerGroup(NamedTuple):
    """Copies of one worker on one node that fare alike."""

    stem: str
    word: str  # one of those of `word_of`
    views: tuple[WorkerView, ...]

    @property
    def bad(self) -> bool:
        return is_bad(self.word)

    @property
    def per_minute(self) -> float | None:
        """Of all together; None until any is known."""
        known = [view.per_minute for view in self.views if view.per_minute is not None]
        return sum(known) if known else None


def word_of(view: WorkerView) -> str:
    """How it fares in a word or two; "" for one that is over and left nothing to say."""
    record = view.record
    if not view.reachable:
        return UNSEEN if view.live else ""
    if record.kill_pending:
        return "kill pending"
    if view.health not in ("ok", "unknown"):
        return health_word(view.health)
    if record.state == "lost":
        return "lost"
    if record.state == "running":
        return "draining" if record.desired == "drained" else RUN
    if view.live:
        return {"created": "starting"}.get(record.state, state_word(record.state))
    return "" if is_as_wanted(record) else "failed"


def is_bad(word: str) -> bool:
    """True for a word that a person should act on."""
    return word in _BAD


def counts(views: Iterable[WorkerView]) -> tuple[tuple[str, int], ...]:
    """(word, workers) of those that occur, what runs first. Jobs and ad-hoc commands are no workers."""
    found: dict[str, int] = {}
    for view in views:
        word = word_of(view) if view.newest and view.record.kind not in _OTHERS else ""
        if word:
            found[word] = found.get(word, 0) + 1
    return tuple(sorted(found.items(), key=lambda item: _place(item[0])))


def groups(views: Iterable[WorkerView]) -> tuple[WorkerGroup, ...]:
    """Copies that fare alike; the bad first, then by name, so that nothing jumps as runs come and go."""
    found: dict[tuple[str, str], list[WorkerView]] = {}
    for view in views:
        word = word_of(view) if view.newest and view.record.kind not in _OTHERS else ""
        if word:
            found.setdefault((view.stem, word), []).append(view)
    made = [WorkerGroup(stem, word, tuple(members)) for (stem, word), members in found.items()]
    return tuple(sorted(made, key=lambda group: (not group.bad, group.stem, _place(group.word))))


def group_words(group: WorkerGroup) -> str:
    """What is to be said of it beside its name: `stalled`, `exit 4 (configuration)`; "" where it just runs."""
    if group.word == RUN:
        return ""
    if group.word == "failed":
        return outcome(group.views[0].record)
    return group.word


def _place(word: str) -> int:
    return _ORDER.index(word) if word in _ORDER else len(_ORDER)
