"""From entries of the ledger to words that a guard may act on. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from console.fleet.ledger import Entry
from console.operations.ledger.look import nothing
from workers.ledger.shapes import Standing
from workers.protocol import DatasetWatch


def promised(entry: Entry) -> Standing:
    """What an entry says of now: figures of an earlier look promise nothing, in either direction."""
    made = entry.standing
    if made is not None and (made.unknown or "") == entry.fault:
        return made
    return nothing(entry.dataset)._replace(unknown=entry.fault)


def unit_of(watches: Iterable[DatasetWatch]) -> str:
    """What a record is called: sealed shards and games databases hold games."""
    methods = {watch.method for watch in watches}
    return "game" if methods and methods <= {"shards", "sqlite:games"} else "record"


def refusal(node: str, text: str) -> str:
    """What a guard says."""
    return f"{node}: are all of its data elsewhere? {text}. `--force` does it all the same"
