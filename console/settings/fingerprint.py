"""What any change of the settings' files would change: names, inodes, times, sizes, modes."""

from __future__ import annotations

import os
from pathlib import Path

from console.settings.layers import files_below

Look = tuple[str, int, int, int, int, int]  # path, inode, time of change, bytes, mode, owner
Fingerprint = tuple[Look, ...]


def fingerprint(path: Path) -> Fingerprint:
    """Of a file or a folder of files, and of what links there lead to."""
    places = (path, *files_below(path))
    return tuple(look(place, follow) for place in places for follow in (False, True))


def look(place: Path, follow: bool) -> Look:
    """One place; all zero where nothing can be seen."""
    try:
        status = os.stat(place, follow_symlinks=follow)
    except OSError:
        return (str(place), 0, 0, 0, 0, 0)
    return (
        str(place),
        status.st_ino,
        status.st_mtime_ns,
        status.st_size,
        status.st_mode,
        status.st_uid,
    )
