"""What must hold on the node before a start: its directory, files, disk and memory."""

import os
import stat
from functools import partial
from typing import Callable, List, NamedTuple, Optional, Tuple

from workers.agent.errand import Errand
from workers.agent.host import read_memory
from workers.protocol import DiskNeed, WorkerSpec

ANSWER_S = 5.0  # a dead mount never answers
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


class Findings(NamedTuple):
    refusals: Tuple[str, ...] = ()
    notes: Tuple[str, ...] = ()


def check(spec: WorkerSpec, directory: str, root: str) -> Findings:
    """Looks; changes nothing. ``directory`` is absolute, the spec's other paths start at ``root``."""
    looks: List[Callable[[], Findings]] = [partial(_directory, directory)]
    looks += [partial(_file, path, root) for path in spec.preflight.files]
    looks += [partial(_disk, need, root) for need in spec.preflight.disk_free]
    if spec.preflight.memory_bytes > 0:
        looks.append(lambda: _memory(spec.preflight.memory_bytes, read_memory().available_bytes))
    # All at once, each with a thread of its own: one dead mount hides nothing of the others.
    errands = [Errand(look) for look in looks]
    found = [_answer(errand) for errand in errands]
    refusals = [text for each in found for text in each.refusals]
    notes = [text for each in found for text in each.notes]
    return Findings(tuple(refusals), tuple(notes))


def place(path: str, root: str) -> str:
    """Where a path of the spec is: ``~`` expanded, relative ones from ``root`` on."""
    return os.path.normpath(os.path.join(root, os.path.expanduser(path)))


def size(count: float) -> str:
    """Bytes for people: "12.5 GB"."""
    unit = 0
    while count >= 1000 and unit + 1 < len(_UNITS):
        count, unit = count / 1000, unit + 1
    return f"{count:.1f} {_UNITS[unit]}" if unit else f"{count:.0f} B"


def _answer(errand: "Errand[Findings]") -> Findings:
    if not errand.wait(ANSWER_S - errand.age_s):
        return Findings(("a disk does not answer: is a mount dead?",))
    try:
        return errand.result()
    except Exception as error:
        return Findings((f"a check failed: {type(error).__name__}: {error}",))


def _directory(path: str) -> Findings:
    try:
        status = os.stat(path)
    except OSError as error:
        return Findings((f"the directory {path} cannot be used: {error.strerror}",))
    if not stat.S_ISDIR(status.st_mode):
        return Findings((f"{path} is no directory",))
    if not os.access(path, os.X_OK):
        return Findings((f"the directory {path} cannot be entered by this user",))
    return Findings()


def _file(name: str, root: str) -> Findings:
    path = place(name, root)
    try:
        os.stat(path)
    except OSError as error:
        return Findings((f"{path} must be there: {error.strerror}",))
    return Findings()


def _disk(need: DiskNeed, root: str) -> Findings:
    path = place(need.path, root)
    try:
        status = os.statvfs(path)
    except OSError as error:
        return Findings((f"the free space of {path} cannot be read: {error.strerror}",))
    free = status.f_bavail * status.f_frsize
    if free >= need.bytes:
        return Findings()
    return Findings(
        (f"{path} has {size(free)} free, {size(need.bytes)} are wanted: free some space",)
    )


def _memory(wanted: int, available: Optional[int]) -> Findings:
    if available is None:
        return Findings(notes=("this node does not say how much memory is available",))
    if available >= wanted:
        return Findings()
    return Findings((f"{size(available)} of memory are available, {size(wanted)} are wanted",))
