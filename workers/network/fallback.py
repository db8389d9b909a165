"""Loads what a pointer names; where that is damaged, the good one before it, and says so."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from workers.harness import CorruptData
from workers.network.places import checkpoint_names, checkpoint_path
from workers.network.pointers import history, read_pointer

Result = TypeVar("Result")


def load_pointed(
    folder: Path, pointer: str, load: Callable[[Path], Result], say: Callable[[str], None]
) -> Result | None:
    """``load(path)`` of the first good checkpoint: what ``pointer`` names, then what came before it
    (``best``: what was best before, ``latest``: every other checkpoint, newest first).

    None where there is nothing yet. Raises CorruptData where there is something and none of it is good, and
    lets Misconfigured through: an older checkpoint would be no answer to that.
    """
    faults: list[str] = []
    for name in _candidates(folder, pointer, faults):
        try:
            found = load(checkpoint_path(folder, name))
        except CorruptData as error:
            faults.append(str(error))
            continue
        for fault in faults:
            say(f"{fault}; went back to {name}")
        return found
    if faults:
        raise CorruptData(f"no good checkpoint is left in {folder}: {'; '.join(faults)}")
    return None


def _candidates(folder: Path, pointer: str, faults: list[str]) -> Iterator[str]:
    """Each name once. A damaged pointer is a fault, and its history speaks for it."""
    seen: set[str] = set()
    try:
        first = read_pointer(folder, pointer)
    except CorruptData as error:
        faults.append(str(error))
        first = None
    if pointer == "latest":
        older = checkpoint_names(folder)
    else:
        older = [change.after for change in reversed(history(folder, pointer))]
    for name in (*([first] if first else []), *older):
        if name not in seen:
            seen.add(name)
            yield name
