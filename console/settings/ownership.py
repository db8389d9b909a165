"""Who could have written a file of the settings: only we or root may (settings name commands to run)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from console.errors import SettingsError


def check_folders(path: Path) -> None:
    """Every folder above `path`, and above what it links to, is owned by us or root and written by no other.

    Folders of root with the sticky bit (/tmp) are accepted. Raises SettingsError or OSError.
    """
    absolute = Path(os.path.abspath(path))
    real = Path(os.path.realpath(path))
    for folder in dict.fromkeys((*absolute.parents, *real.parents)):
        check(os.stat(folder), folder)


def check(status: os.stat_result, path: Path) -> None:
    """One file or folder, by its status. Raises SettingsError that says how to mend it."""
    if status.st_uid not in (0, os.geteuid()):
        raise SettingsError(
            f"{path}: is owned by user {status.st_uid}, who could make it run commands as you; "
            "wanted a file and folders owned by you or root"
        )
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and status.st_uid == 0
    if status.st_mode & 0o022 and not sticky:
        raise SettingsError(
            f"{path}: others may write to it (mode {stat.S_IMODE(status.st_mode):04o}); "
            f"mend it with: chmod go-w {path}"
        )
