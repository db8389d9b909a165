"""From what a person typed to the runs that are meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from console.errors import UsageError
from console.fleet.workers import WorkerView
from console.operations.outcomes import Target

_RUN_ID = re.compile(r"[0-9a-f]{6,32}")


def find(
    words: Sequence[str], views: Sequence[WorkerView], nodes: Iterable[str] = ()
) -> tuple[Target, ...]:
    """The runs that `words` name, each once: NAME, NAME@NODE, NODE/NAME, the beginning of a run id (six
    digits or more), or a pattern (`selfplay-*`), which means all that match. A name means its newest run.

    `nodes`: only on these. Raises UsageError for a word that names none, or more than one where one is meant.
    """
    wanted = frozenset(nodes)
    kept = [view for view in views if not wanted or view.node in wanted]
    found: dict[tuple[str, str], Target] = {}
    for word in words:
        for view in _named(word, kept):
            found.setdefault(view.key, Target.of(view.node, view.record))
    return tuple(found.values())


def _named(word: str, views: Sequence[WorkerView]) -> list[WorkerView]:
    name, node = _split(word, {view.node for view in views})
    here = _once(view for view in views if node is None or view.node == node)
    newest = [view for view in here if view.newest]
    if any(sign in name for sign in "*?["):
        matching = [view for view in newest if fnmatchcase(view.name, name)]
        return matching or _none(word, newest)
    matching = [view for view in newest if view.name == name]
    if not matching and _RUN_ID.fullmatch(name):
        matching = [view for view in here if view.record.run_id.startswith(name)]
    if len(matching) > 1:
        meant = ", ".join(f"{view.name}@{view.node}" for view in matching)
        raise UsageError(f"'{word}' is not one worker: say which of {meant}")
    return matching or _none(word, newest)


def _once(views: Iterable[WorkerView]) -> list[WorkerView]:
    """Each run once: two entries of one machine tell of the same runs."""
    found: dict[str, WorkerView] = {}
    for view in views:
        found.setdefault(view.record.run_id, view)
    return list(found.values())


def _split(word: str, nodes: set[str]) -> tuple[str, str | None]:
    name, at, node = word.rpartition("@")
    if at and name:
        return name, node
    node, slash, name = word.partition("/")
    if slash and name and node in nodes:
        return name, node
    return word, None


def _none(word: str, views: Sequence[WorkerView]) -> list[WorkerView]:
    near = difflib.get_close_matches(word.partition("@")[0], [view.name for view in views], 3)
    copies = [view.name for view in views if view.stem == word]
    meant = list(dict.fromkeys((*copies[:3], *near)))
    hint = f"; did you mean {', '.join(meant)}?" if meant else ""
    raise UsageError(f"there is no worker '{word}'{hint}")
