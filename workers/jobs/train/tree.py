"""What a folder holds, and what a mirror of it lacks. Runs on either side of WSL: it imports nothing of ours."""

import fnmatch
import os
import stat
from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

MARK = ".quarterdeck-mirror.json"
"""Lies in a folder that is a mirror of ours: only there anything is ever removed."""

PART = ".qd-part-"
STAGING = ".quarterdeck-results-"
_OURS = (MARK, PART, STAGING)


class Entry(NamedTuple):
    """A regular file. ``ctime_ns`` moves with every change of it, whatever its other times were set to."""

    size: int
    mtime_ns: int
    ctime_ns: int
    mode: int


class Tree(NamedTuple):
    """Names are relative, with slashes. ``links`` lead to a place within; ``odd`` is all else, with what it is."""

    files: Dict[str, Entry]
    links: Dict[str, str]
    odd: Tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(entry.size for entry in self.files.values())


class Difference(NamedTuple):
    copy: Tuple[str, ...]
    link: Tuple[str, ...]
    remove: Tuple[str, ...]


def walk(root: str) -> Tree:
    """All files below ``root``. Raises OSError where a folder of it cannot be read."""
    files: Dict[str, Entry] = {}
    links: Dict[str, str] = {}
    odd: List[str] = []
    ahead = [""]
    while ahead:
        folder = ahead.pop()
        with os.scandir(os.path.join(root, folder)) as entries:
            for entry in entries:
                if entry.name.startswith(_OURS):
                    continue
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_symlink():
                    _take_link(root, name, links, odd)
                elif entry.is_dir(follow_symlinks=False):
                    ahead.append(name)
                else:
                    _take_file(name, os.stat(entry.path, follow_symlinks=False), files, odd)
    return Tree(files, links, tuple(odd))


def difference(source: Tree, mirror: Tree) -> Difference:
    """What must be done to ``mirror``. A file is the same where size and modification time are."""
    copy = [name for name, entry in source.files.items() if not _same(entry, mirror, name)]
    link = [name for name, target in source.links.items() if mirror.links.get(name) != target]
    held = (*mirror.files, *mirror.links)
    remove = [name for name in held if name not in source.files and name not in source.links]
    return Difference(tuple(sorted(copy)), tuple(sorted(link)), tuple(sorted(remove)))


def changed(before: Tree, after: Tree) -> Tuple[str, ...]:
    """Files of ``before`` that are gone, or were written to since: their times of change tell."""
    found = [name for name, entry in before.files.items() if after.files.get(name) != entry]
    found += [name for name, target in before.links.items() if after.links.get(name) != target]
    return tuple(sorted(found))


def results(before: Tree, after: Tree, patterns: Sequence[str]) -> Tuple[str, ...]:
    """Files of ``after`` that are new or changed and match: a pattern with a slash the whole name, else the last
    part of it."""
    return tuple(
        sorted(
            name
            for name, entry in after.files.items()
            if before.files.get(name) != entry and matches(name, patterns)
        )
    )


def matches(name: str, patterns: Iterable[str]) -> bool:
    last = name.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(name if "/" in one else last, one) for one in patterns)


def _same(entry: Entry, mirror: Tree, name: str) -> bool:
    there = mirror.files.get(name)
    return there is not None and there[:2] == entry[:2]


def _take_file(name: str, found: os.stat_result, files: Dict[str, Entry], odd: List[str]) -> None:
    if stat.S_ISREG(found.st_mode):
        mode = stat.S_IMODE(found.st_mode)
        files[name] = Entry(found.st_size, found.st_mtime_ns, found.st_ctime_ns, mode)
    else:
        odd.append(f"{name} (neither file nor folder)")


def _take_link(root: str, name: str, links: Dict[str, str], odd: List[str]) -> None:
    target = os.readlink(os.path.join(root, name))
    within = os.path.normpath(os.path.join(os.path.dirname(name), target))
    if os.path.isabs(target) or within.split(os.sep)[0] == os.pardir:
        odd.append(f"{name} (a link that leads out: {target})")
    else:
        links[name] = target
