"""The runs of a node in an uninstall: named while one lives, removed when all are over."""

import os
from typing import List, NamedTuple, Tuple

from workers.supervisor.run import Run
from workers.supervisor.runs import RunLives, Runs


class Removed(NamedTuple):
    """What lies, or lay, there; ``kept`` says what stays and why."""

    paths: Tuple[str, ...] = ()
    bytes: int = 0
    kept: Tuple[str, ...] = ()


def living(node_folder: str) -> Tuple[str, ...]:
    """The runs that live or that somebody still takes care of, in words. Raises OSError."""
    return tuple(
        f"{run.spec().name} ({run.condition().state}, run {run.run_id})"
        for run in Runs(node_folder).all()
        if run.condition().live or run.is_held()
    )


def remove_ended(node_folder: str, confirm: bool) -> Removed:
    """Every run that is over, with its logs. Raises OSError where they cannot even be listed."""
    runs = Runs(node_folder)
    paths: List[str] = []
    kept: List[str] = []
    total = 0
    for run in runs.all():
        size = _size(run)
        if confirm:
            try:
                kept += [f"{path}: not made by us" for path in runs.forget(run)]
            except (RunLives, OSError) as error:
                kept.append(f"{run.paths.folder}: {error}")
                continue
        paths.append(run.paths.folder)
        total += size
    if confirm:
        for folder in (runs.folder, os.path.join(node_folder, "kept")):
            try:
                os.rmdir(folder)
            except OSError:  # what is in it was named
                pass
    return Removed(tuple(paths), total, tuple(kept))


def _size(run: Run) -> int:
    total = 0
    for folder, _, names in os.walk(run.paths.folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                continue
    return total
