"""What is there to push, and what lies at the other end: the two lists a push is decided from."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from workers.harness import Misconfigured
from workers.jobs.sync.arguments import PARTIAL

_ROW = re.compile(
    r"^(?P<kind>.)\S{9,10}\s+(?P<size>[\d,]+) (?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (?P<name>.+)$"
)
_ESCAPED = re.compile(r"\\#(\d{3})")


class Pushed(NamedTuple):
    """A file here. ``name``: relative to ``base`` here and to the destination's folder there."""

    base: str
    name: str
    size: int
    mtime_ns: int


class There(NamedTuple):
    size: int
    mtime_s: int


def local_files(root: str, paths: Sequence[str]) -> tuple[list[Pushed], list[str]]:
    """The regular files below ``paths``, and what was left out, by name. A path that is relative is one of
    ``root`` and keeps its folders; an absolute one arrives under its own last name. Raises Misconfigured.
    """
    found: list[Pushed] = []
    left: list[str] = []
    for path in paths:
        expanded = os.path.expanduser(path).rstrip("/")
        if ".." in expanded.split("/"):
            raise Misconfigured(f"options.paths: {path!r}: '..' has no place in it")
        whole = os.path.join(root, expanded)
        base = os.path.dirname(whole) if os.path.isabs(expanded) else root
        if not os.path.lexists(whole):
            raise Misconfigured(f"options.paths: {path!r}: there is no {whole} here")
        for each in _walk(whole):
            status = os.lstat(each)
            if not stat.S_ISREG(status.st_mode):
                left.append(f"{os.path.relpath(each, base)}: no regular file")
                continue
            name = os.path.relpath(each, base)
            found.append(Pushed(base, name, status.st_size, status.st_mtime_ns))
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
