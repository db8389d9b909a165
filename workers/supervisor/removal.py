"""Removing a run directory: only names we give, through descriptors, without following a link."""

import os
import re
from typing import List, Optional, Tuple

from workers.supervisor import storage

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OF_RUN = re.compile(r"(spec\.json|desired\.json|desired\.lock|lock|events\.jsonl|reserve)(\..*)?")
_ATTEMPT = re.compile(r"attempt-[0-9]+")
_OF_ATTEMPT = re.compile(
    r"(pid\.json|exit\.rec|status\.json|metrics\.jsonl|index|drain|gate|reserve|out|err)(\..*)?"
)


def remove_run(folder: str, keep: str = "") -> Tuple[str, ...]:
    """Removes a run directory. What we did not make is moved to ``keep``; its paths there.

    Without ``keep`` it stays where it is. No folder: nothing to do, also where another process is faster.
    Raises OSError.
    """
    try:
        top = os.open(folder, _FOLDER)
    except FileNotFoundError:
        return ()
    try:
        with storage.naming(folder):
            foreign = _remove_entries(top, _OF_RUN)
            for name in [name for name in foreign if _ATTEMPT.fullmatch(name)]:
                foreign.remove(name)
                foreign += _remove_attempt(top, name)
    finally:
        os.close(top)
    if foreign and keep:
        _move(folder, keep)
    elif not foreign:
        _remove_folder(folder, None)
    return tuple(os.path.join(keep or folder, name) for name in sorted(foreign))


def _remove_attempt(top: int, name: str) -> List[str]:
    """What stays of it."""
    try:
        attempt = os.open(name, _FOLDER, dir_fd=top)
    except FileNotFoundError:
        return []
    except OSError:  # a link or a file: nothing that we make has such a name
        return [name]
    try:
        foreign = _remove_entries(attempt, _OF_ATTEMPT)
    finally:
        os.close(attempt)
    if not foreign:
        _remove_folder(name, top)
    return [f"{name}/{left}" for left in foreign]


def _remove_entries(folder: int, ours: "re.Pattern[str]") -> List[str]:
    """Unlinks the entries that are ours; the names of the others."""
    foreign = []
    for name in os.listdir(folder):
        if not ours.fullmatch(name):
            foreign.append(name)
            continue
        try:
            os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            pass
        except (IsADirectoryError, PermissionError):  # how a system says that it is a folder
            foreign.append(name)
    return foreign


def _remove_folder(name: str, parent: Optional[int]) -> None:
    try:
        os.rmdir(name, dir_fd=parent)
    except FileNotFoundError:
        pass


def _move(folder: str, keep: str) -> None:
    storage.make_folder(os.path.dirname(keep))
    try:
        os.rename(folder, keep)
    except FileNotFoundError:
        return
    storage.sync_folder(os.path.dirname(keep))
