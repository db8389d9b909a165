"""Which files a dataset has on this node, each with what is needed to tell whether it lies elsewhere too.

The same files that are counted, with these differences: a link that the patterns meet is not followed (one
that somebody wrote into a pattern is, and the real path is reported), and a name that may not form a path is
refused.
"""

import os
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from workers.agent.data.cache import CountCache
from workers.agent.data.listed_file import Describer, Memory
from workers.agent.data.method import UnknownMethod, method_of
from workers.agent.data.outcome import CountFault, Stopped
from workers.agent.data.walk import Found, Walk, split
from workers.ledger.names import UnsafeName, check_path, plain
from workers.ledger.shapes import DataFile

NAMED = 50  # problems that are told; the rest is a number
_EVERY = 64  # files between two looks at whether to go on

Tick = Callable[[], bool]


class Listed(NamedTuple):
    """``files`` sorted by path. ``problems`` not empty: they are not all that there is.

    ``counted``: something was read that the cache did not know.
    """

    files: Tuple[DataFile, ...]
    problems: Tuple[str, ...]
    counted: bool = False


def real_root(root: str) -> str:
    """Where relative paths start, links resolved; "" is the home directory."""
    home = os.path.expanduser("~")
    return os.path.realpath(os.path.join(home, os.path.expanduser(root)))


def list_files(
    root: str,
    paths: Tuple[str, ...],
    word: str,
    cache: CountCache,
    should_stop: Tick,
    memory: Optional[Memory] = None,
) -> Listed:
    """The files of one dataset. ``word``: its method. ``memory``: of earlier listings, and for the next.

    Raises Stopped when ``should_stop`` says so.
    """
    try:
        method = method_of(word, should_stop)
    except UnknownMethod as error:
        return Listed((), (str(error),))
    root = real_root(root)
    extra = method.beside(paths)
    walk = Walk(root, paths, method.knows, extra)
    problems = _Problems(root)
    reached = _Reached(root, paths + extra, problems)
    for found in walk.files(should_stop):
        if not method.skips(found.path):
            reached.take(found)
    for path, reason in walk.faults:
        problems.add(path, reason)
    for path in walk.missing:
        if len(walk.missing) == len(walk.required):
            problems.add(path, "not there")
    for path, number in walk.odd.items():
        problems.add(path, f"{number} files, none named {method.names}; name them by a glob")
    memory = {} if memory is None else memory
    describe = Describer(method, word, cache.table(method.table), memory, time.time_ns())
    files = _describe(reached.files(), describe, problems, should_stop)
    return Listed(tuple(files), problems.texts(), describe.changed)


def _describe(
    found: List[Tuple[str, Found]], describe: Describer, problems: "_Problems", should_stop: Tick
) -> List[DataFile]:
    files: List[DataFile] = []
    for number, (path, each) in enumerate(found):
        if number % _EVERY == 0 and should_stop():
            raise Stopped
        try:
            files.append(describe.file(path, each))
        except FileNotFoundError:
            continue  # removed since its folder was read
        except Stopped:
            raise
        except (CountFault, OSError) as fault:
            problems.add(each.path, str(getattr(fault, "strerror", None) or fault))
        if describe.fault:
            problems.add(each.path, describe.fault)
    return files


class _Reached:
    """What the walk met, under real paths, each file once."""

    def __init__(self, root: str, patterns: Tuple[str, ...], problems: "_Problems") -> None:
        self._root = root
        self._problems = problems
        self._bases = {base: os.path.realpath(base) for base in _bases(root, patterns)}
        self._folders: Dict[str, Optional[str]] = {}  # as walked → real, or None where a link led
        self._files: List[Tuple[str, Found]] = []
        self._links: List[Found] = []

    def take(self, found: Found) -> None:
        real = self._real(found)
        if real is None:
            self._links.append(found)
        else:
            self._files.append((real, found._replace(path=real, linked=False)))

    def files(self) -> List[Tuple[str, Found]]:
        """(path as it is told, file), sorted by path; the first of those that are one file."""
        seen: Set[Tuple[int, int]] = set()
        told: List[Tuple[str, Found]] = []
        for real, found in sorted(self._files, key=lambda each: each[0]):
            key = (found.status.st_dev, found.status.st_ino)
            if key in seen:
                continue
            seen.add(key)
            try:
                told.append((check_path(_below(self._root, real)), found))
            except UnsafeName as error:
                self._problems.say(str(error))
        for found in self._links:
            if (found.status.st_dev, found.status.st_ino) not in seen:
                text = "reached through a symbolic link, refused; name the place it leads to"
                self._problems.add(found.path, text)
        return sorted(told, key=lambda each: each[0])

    def _real(self, found: Found) -> Optional[str]:
        if found.path in self._bases:
            return self._bases[found.path]  # a file that a pattern names: its links are wanted
        if found.linked:
            return None
        folder, _, name = found.path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = self._real_folder(folder)
        real = self._folders[folder]
        return None if real is None else f"{real.rstrip('/')}/{name}"

    def _real_folder(self, folder: str) -> Optional[str]:
        real = os.path.realpath(folder)
        wanted = [_moved(folder, base, there) for base, there in self._bases.items()]
        return real if real in wanted else None


class _Problems:
    """In words, the first few by name."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._texts: List[str] = []
        self._more = 0

    def add(self, path: str, reason: str) -> None:
        self.say(f"{plain(_below(self._root, path).rstrip('/'))}: {reason}")

    def say(self, text: str) -> None:
        if len(self._texts) < NAMED:
            self._texts.append(text)
        else:
            self._more += 1

    def texts(self) -> Tuple[str, ...]:
        more = (f"and {self._more} more problems",) if self._more else ()
        return tuple(self._texts) + more


def _bases(root: str, patterns: Tuple[str, ...]) -> Set[str]:
    return {split(root, pattern)[0] for pattern in patterns}


def _moved(folder: str, base: str, there: str) -> str:
    """Where a folder at or below ``base`` would be if ``base`` were ``there``; "" for any other."""
    inner = folder[len(base.rstrip("/")) :]
    if folder != base and not (folder.startswith(base) and inner.startswith("/")):
        return ""
    return there.rstrip("/") + inner or "/"


def _below(root: str, path: str) -> str:
    prefix = root.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) else path
