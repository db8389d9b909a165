"""Which files the patterns of a dataset reach. Each directory is read once a pass and pattern base.

What a destination holds of a node is that node's data, and counted there.
"""

import fnmatch
import os
import re
import stat
from typing import Callable, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set, Tuple

from workers.agent.data.copies import holds_copies, lies_among_copies
from workers.agent.data.outcome import ShouldStop, Stopped, words

Match = Callable[[str], object]
State = Tuple[str, ...]  # the segments of a pattern that are still to be matched

FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY  # never waits for a FIFO's writer
ANY_DEPTH = "**"
KNOWN = "\0known"  # a segment that matches the names a method knows: no file name holds a NUL

WILD = re.compile(r"[*?\[]")
TEMPORARY = (".tmp", ".part", ".partial", "~")
_VISIBLE = r"(?!\.)"
_NOT_RSYNC = r"(?s)(?!\..+\.[A-Za-z0-9]{6}\Z)"  # rsync writes `.name.XXXXXX`
_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


class Found(NamedTuple):
    path: str
    status: os.stat_result  # of the file itself, links followed
    linked: bool
    descriptor: int = -1  # open already; whoever takes the file closes it


class Walk:
    """One pass over the patterns. ``faults``, ``missing`` and ``odd`` are complete when it ended.

    ``known`` tests the names a method takes from a directory; ``extra`` patterns may reach nothing.
    ``opens``: all files will be read, so they come open and are not looked at twice.
    """

    def __init__(
        self,
        root: str,
        patterns: Tuple[str, ...],
        known: Match,
        extra: Tuple[str, ...] = (),
        opens: bool = False,
    ) -> None:
        self._opens = opens
        self.faults: List[Tuple[str, str]] = []  # path, reason
        self.missing: List[str] = []  # roots that do not exist
        self.odd: Dict[str, int] = {}  # directory without a known name → other files in it
        self._known = known
        self._seen: Set[Tuple[int, int, FrozenSet[State]]] = set()
        self._bases: Dict[str, Set[State]] = {}
        self._matches: Dict[str, Match] = {}
        self._ignored = 0
        for pattern in patterns + extra:
            base, state = split(root, pattern)
            self._bases.setdefault(base, set()).add(state)
        self.required = {split(root, pattern)[0] for pattern in patterns}

    def files(self, should_stop: ShouldStop) -> Iterator[Found]:
        """Every file the patterns reach, but for copies; one reached by two bases comes twice. Raises Stopped."""
        for base, states in self._bases.items():
            if lies_among_copies(base):
                continue
            try:
                status = os.stat(base)
            except (FileNotFoundError, NotADirectoryError):
                if base in self.required:
                    self.missing.append(base)
                continue
            except OSError as error:
                self.faults.append((base, words(error)))
                continue
            if stat.S_ISDIR(status.st_mode):
                yield from self._directory(base, states, should_stop)
            elif () in states and stat.S_ISREG(status.st_mode):
                yield Found(base, status, True)
            elif () in states:
                self._refuse(base, status.st_mode)

    def _directory(self, base: str, states: Set[State], should_stop: ShouldStop) -> Iterator[Found]:
        below = frozenset(state or (ANY_DEPTH, KNOWN) for state in states)
        whole = () in states
        reached = False
        self._ignored = 0
        for found in self._tree(base, below, should_stop):
            reached = True
            yield found
        if whole and not reached and self._ignored:
            self.odd[base] = self._ignored

    def _tree(
        self, base: str, states: FrozenSet[State], should_stop: ShouldStop
    ) -> Iterator[Found]:
        stack = [(base, states)]
        while stack:
            directory, states = stack.pop()
            if should_stop():
                raise Stopped
            if not self._enter(directory, states):
                continue
            step = _Step(states, self._match)
            try:
                with os.scandir(directory) as entries:
                    for entry in entries:
                        if step.descends and self._leads_on(entry):
                            below = step.below(entry.name)
                            if below:
                                stack.append((entry.path, below))
                        elif not step.wants(entry.name) or entry.name.endswith(TEMPORARY):
                            self._ignored += 1
                        else:
                            found = self._found(entry)
                            if found is not None:
                                yield found
            except FileNotFoundError:
                continue  # removed since its parent was read
            except OSError as error:
                self.faults.append((directory + "/", words(error)))

    @staticmethod
    def _leads_on(entry: "os.DirEntry[str]") -> bool:
        try:
            return entry.is_dir()
        except OSError:
            return False  # a link to itself: if its name is wanted, its stat says so

    def _enter(self, directory: str, states: FrozenSet[State]) -> bool:
        """False where these states were here before: a link that leads back ends there."""
        try:
            status = os.stat(directory)
        except FileNotFoundError:
            return False
        except OSError as error:
            self.faults.append((directory + "/", words(error)))
            return False
        key = (status.st_dev, status.st_ino, states)
        if key in self._seen:
            return False
        self._seen.add(key)
        return not holds_copies(directory)

    def _found(self, entry: "os.DirEntry[str]") -> Optional[Found]:
        linked = entry.is_symlink()
        if self._opens and not linked and entry.is_file():
            found = _opened(entry.path)
            if found is not None:
                return found
        try:
            status = entry.stat(follow_symlinks=linked)
        except FileNotFoundError:
            if linked:
                self.faults.append((entry.path, "a link to nothing"))
            return None
        except OSError as error:
            self.faults.append((entry.path, words(error)))
            return None
        mode = status.st_mode
        if stat.S_ISREG(mode):
            return Found(entry.path, status, linked)
        if not stat.S_ISDIR(mode):
            self._refuse(entry.path, mode)
        return None

    def _match(self, segment: str) -> Match:
        found = self._matches.get(segment)
        if found is None:
            found = self._known if segment == KNOWN else compile_segment(segment)
            self._matches[segment] = found
        return found

    def _refuse(self, path: str, mode: int) -> None:
        kind = next((words for check, words in _KINDS if check(mode)), "not a regular file")
        self.faults.append((path, kind + ", refused"))


def _opened(path: str) -> Optional[Found]:
    """The open file; None where it cannot be opened or is no regular file: then its status says why."""
    try:
        descriptor = os.open(path, FLAGS | os.O_NOFOLLOW)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return Found(path, status, False, descriptor)
    os.close(descriptor)
    return None


class _Step:
    """What the states of one directory do with the names in it."""

    def __init__(self, states: FrozenSet[State], match: Callable[[str], Match]) -> None:
        closed = set(states)
        for state in states:
            while state and state[0] == ANY_DEPTH:
                state = state[1:]
                closed.add(state)
        self._anywhere = frozenset(state for state in closed if state and state[0] == ANY_DEPTH)
        self._next = [
            (match(state[0]), state[1:])
            for state in closed
            if len(state) > 1 and state[0] != ANY_DEPTH
        ]
        self._last = [match(state[0]) for state in closed if len(state) == 1]
        self.descends = bool(self._anywhere or self._next)
        self.wants: Match = self._last[0] if len(self._last) == 1 else self._any

    def _any(self, name: str) -> bool:
        return any(match(name) for match in self._last)

    def below(self, name: str) -> FrozenSet[State]:
        onward = frozenset(state for match, state in self._next if match(name))
        return onward if name.startswith(".") else onward | self._anywhere


def split(root: str, pattern: str) -> Tuple[str, State]:
    """The directory before the first wildcard, and the segments after it."""
    path = os.path.join(root, os.path.expanduser(pattern))
    segments = [segment for segment in path.split("/") if segment not in ("", ".")]
    wild = next((i for i, segment in enumerate(segments) if WILD.search(segment)), len(segments))
    state = tuple(segments[wild:])
    if state and path.endswith("/"):
        state += (ANY_DEPTH, KNOWN)
    elif state and state[-1] == ANY_DEPTH:
        state += ("*",)
    return "/" + "/".join(segments[:wild]), state


def compile_segment(segment: str) -> Match:
    """A test of one name. Wildcards leave dot files out."""
    if not WILD.search(segment):
        return lambda name: name == segment
    hidden = _NOT_RSYNC if segment.startswith(".") else _VISIBLE
    return re.compile(hidden + fnmatch.translate(segment)).match
