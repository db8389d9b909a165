"""What is there to push, and what lies at the other end: the two lists a push is decided from."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from workers.harness import Misconfigured
from workers.jobs.sync.arguments import PARTIAL
from workers.jobs.sync.tally import shown

_ROW = re.compile(
    r"^(?P<kind>.)\S{9,10}\s+(?P<size>[\d,]+) (?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (?P<name>.+)$"
)
_ESCAPED = re.compile(r"\\#(\d{3})")


class Pushed(NamedTuple):
    """A file here. ``name``: relative to ``base``, which is the home directory or `/`, here and there."""

    base: str
    name: str
    size: int
    mtime_ns: int


class There(NamedTuple):
    size: int
    mtime_s: int


def local_files(home: str, paths: Sequence[str]) -> tuple[list[Pushed], list[str]]:
    """The regular files below ``paths``, and what was left out, by name. A path that is absolute arrives at
    the same place there; any other is one of the home directory, here and there. Raises Misconfigured.
    """
    found: list[Pushed] = []
    left: list[str] = []
    for path in paths:
        plain = path.removeprefix("~/").rstrip("/")
        if not plain or plain.startswith("~") or ".." in plain.split("/"):
            raise Misconfigured(
                f"options.paths: {path!r}: a file or folder below the home or '/' is wanted"
            )
        base = "/" if plain.startswith("/") else home
        if not os.path.lexists(os.path.join(base, plain)):
            raise Misconfigured(
                f"options.paths: {path!r}: there is no {os.path.join(base, plain)} here"
            )
        for each in _walk(os.path.join(base, plain)):
            status = os.lstat(each)
            name = os.path.relpath(each, base)
            if stat.S_ISREG(status.st_mode):
                found.append(Pushed(base, name, status.st_size, status.st_mtime_ns))
            else:
                left.append(f"{shown(name)}: no regular file")
    return sorted(set(found)), left


def read_listing(lines: Sequence[str]) -> dict[str, There]:
    """Name → what `rsync -8 --list-only` said of it, run with TZ=UTC; other lines are none."""
    found = {}
    for line in lines:
        row = _ROW.match(line)
        if row is None or row["kind"] == "d":
            continue
        moment = datetime.strptime(row["time"], "%Y/%m/%d %H:%M:%S").replace(tzinfo=timezone.utc)
        name = _plain(row["name"].split(" -> ")[0] if row["kind"] == "l" else row["name"])
        found[name] = There(int(row["size"].replace(",", "")), int(moment.timestamp()))
    return found


def _walk(path: str) -> Iterator[str]:
    if os.path.islink(path) or not os.path.isdir(path):
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(each for each in folders if each != PARTIAL)
        links = [each for each in folders if os.path.islink(os.path.join(folder, each))]
        for name in sorted([*names, *links]):
            yield os.path.join(folder, name)


def _plain(name: str) -> str:
    """rsync writes a control character as `\\#012`, and with `-8` leaves all others as they are."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), name)
