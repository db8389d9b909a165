"""Removing a run directory: only names we give, through descriptors, without following a link."""

import os
import re
from typing import List, Tuple

from workers.supervisor import storage

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OF_RUN = re.compile(r"(spec\.json|desired\.json|desired\.lock|lock|events\.jsonl|reserve)(\..*)?")
_ATTEMPT = re.compile(r"attempt-[0-9]+")
_OF_ATTEMPT = re.compile(
    r"(pid\.json|exit\.rec|status\.json|metrics\.jsonl|index|drain|reserve|out|err)(\..*)?"
)


def remove_run(folder: str, keep: str = "") -> Tuple[str, ...]:
    """Removes a run directory. What we did not make is moved to ``keep``; its paths there.

    Without ``keep`` it stays where it is. No folder: nothing to do. Raises OSError.
    """
    try:
        top = os.open(folder, _FOLDER)
    except FileNotFoundError:
        return ()
    try:
        with storage.naming(folder):
            foreign = _remove_known(top, _OF_RUN)
            for name in [name for name in foreign if _ATTEMPT.fullmatch(name)]:
                foreign.remove(name)
                foreign += [f"{name}/{left}" for left in _remove_attempt(top, name)]
    finally:
        os.close(top)
    if not foreign:
        os.rmdir(folder)
    elif keep:
        storage.make_folder(os.path.dirname(keep))
        os.rename(folder, keep)
        storage.sync_folder(os.path.dirname(keep))
    return tuple(os.path.join(keep or folder, name) for name in sorted(foreign))


def _remove_attempt(top: int, name: str) -> List[str]:
    try:
        attempt = os.open(name, _FOLDER, dir_fd=top)
    except OSError:  # no folder: not ours
        return [""]
    try:
        foreign = _remove_known(attempt, _OF_ATTEMPT)
    finally:
        os.close(attempt)
    if not foreign:
        os.rmdir(name, dir_fd=top)
    return foreign


def _remove_known(folder: int, ours: "re.Pattern[str]") -> List[str]:
    """Unlinks the entries that are ours; the names of the others."""
    foreign = []
    for name in os.listdir(folder):
        if not ours.fullmatch(name):
            foreign.append(name)
            continue
        try:
            os.unlink(name, dir_fd=folder)
        except IsADirectoryError:
            foreign.append(name)
    return foreign
