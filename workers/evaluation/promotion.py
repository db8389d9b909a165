"""Which checkpoint is ``best``, how it became that, and the way back.

The pointer's history is read as a stack: a change to something new is put on top, a change to something
below drops what lay above it. What was dropped was rolled back, and no gate promotes it again.
"""

from pathlib import Path

from workers.harness import Misconfigured
from workers.network.places import checkpoint_path
from workers.network.pointers import Change, history, read_pointer, swap_pointer


def promote(folder: Path, candidate: str, expected: str | None, reason: str) -> bool:
    """Points ``best`` at ``candidate`` if it is still at ``expected`` (None: nowhere); False where it is not."""
    return swap_pointer(folder, "best", expected, candidate, reason)


def rollback(folder: Path, reason: str = "") -> Change:
    """Points ``best`` at what was best before, and gives that change.

    Raises Misconfigured where there is nothing before, or somebody changed the pointer meanwhile.
    """
    now = read_pointer(folder, "best")
    if now is None:
        raise Misconfigured(f"{folder}: there is no best network to roll back from")
    before = [
        name for name in _stack(folder) if name != now and checkpoint_path(folder, name).is_dir()
    ]
    if not before:
        raise Misconfigured(f"{folder}: nothing was best before {now}, or its checkpoint is gone")
    said = f"rollback: {reason}" if reason else "rollback"
    if not swap_pointer(folder, "best", now, before[-1], said):
        raise Misconfigured(f"{folder}: best is not {now} any more; look again")
    return history(folder, "best")[-1]


def rolled_back(folder: Path) -> dict[str, Change]:
    """Checkpoints that were best and were rolled back, with the change that did it."""
    stack = _stack(folder)
    changes = history(folder, "best")
    return {
        change.before: change
        for change in changes
        if change.before is not None and change.before not in stack
    }


def best_since(folder: Path) -> float | None:
    """When ``best`` last changed, in seconds since 1970; None where it never did."""
    changes = history(folder, "best")
    return changes[-1].t if changes else None


def _stack(folder: Path) -> list[str]:
    stack: list[str] = []
    for change in history(folder, "best"):
        if change.after in stack:
            del stack[stack.index(change.after) + 1 :]
        else:
            stack.append(change.after)
    return stack
