"""What a killed rsync left in staging on this machine."""

import os
import re

from workers.jobs.sync.arguments import PARTIAL

_TEMPORARY = re.compile(r"^\.(?P<name>.+)\.[A-Za-z0-9]{6}$", re.DOTALL)


def adopt(folder: str) -> int:
    """Gives rsync back what it had received of a file when it was killed with no chance to keep it: its
    temporary files become partial ones, the longest of each name. How many there were.
    """
    count = 0
    for place, folders, names in os.walk(folder):
        if PARTIAL in folders:
            folders.remove(PARTIAL)
        for name in names:
            found = _TEMPORARY.match(name)
            if found is not None:
                _keep(place, name, found["name"])
                count += 1
    return count


def _keep(place: str, temporary: str, name: str) -> None:
    source = os.path.join(place, temporary)
    partial = os.path.join(place, PARTIAL, name)
    if os.path.lexists(os.path.join(place, name)) or _size(partial) >= _size(source):
        os.unlink(source)
        return
    os.makedirs(os.path.dirname(partial), mode=0o700, exist_ok=True)
    os.replace(source, partial)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return -1
