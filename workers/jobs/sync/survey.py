"""What one node has for the destination: its files, what becomes of each, and the legs they travel in."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from workers.errands.client import Errand
from workers.errands.shapes import Dataset as Wanted
from workers.jobs.document import Document, Host
from workers.jobs.errors import Refused
from workers.jobs.reach import asked
from workers.jobs.sync.arguments import Leg
from workers.jobs.sync.decide import (
    CHANGED,
    GROWN,
    LATER,
    REFUSED,
    UNCHANGED,
    Step,
    decide,
)
from workers.jobs.sync.target import Target
from workers.ledger.names import OUTSIDE
from workers.ledger.shapes import SQLITE, DataFile, Synced

MOST_LIST_BYTES = 6 * 1024 * 1024


class Survey(NamedTuple):
    """``steps``: dataset → a step for each file. ``problems``: what could not be listed."""

    node: str
    node_key: str
    root: str
    home: str
    steps: Mapping[str, tuple[Step, ...]]
    problems: tuple[str, ...]

    def of(self, *whats: str) -> list[Step]:
        return [step for steps in self.steps.values() for step in steps if step.what in whats]

    @property
    def travelling(self) -> list[Step]:
        return [step for steps in self.steps.values() for step in steps if step.travels]

    @property
    def missing_bytes(self) -> int:
        return sum(step.missing_bytes for step in self.travelling)

    @property
    def arriving_bytes(self) -> int:
        """What stands in staging until it is placed: a file that grew arrives whole."""
        return sum(step.file.size for step in self.travelling)

    @property
    def notes(self) -> tuple[str, ...]:
        """What does not travel and why, a few names each."""
        found = []
        unchanged = len(self.of(UNCHANGED))
        if unchanged:
            found.append(f"{unchanged:,} unchanged")
        for what, word in ((LATER, "for later"), (REFUSED, "REFUSED")):
            found += _named(word, self.of(what))
        return (*found, *self.problems)


def survey(document: Document, host: Host, errand: Errand, target: Target) -> Survey:
    """Asks a node. Raises WorkerError."""
    datasets = document.datasets_of(host.name)
    wanted = [Wanted(each.name, each.paths, each.count) for each in datasets]
    with asked():
        listing = errand.list(host.root, wanted)
    steps = {
        name: decide(
            _its_own(files, listing.root, errand.node_key, target),
            target.newest(name, errand.node_key),
        )
        for name, files in listing.files.items()
    }
    problems = tuple(
        f"{name}: {text}"
        for name, texts in listing.problems.items()
        for text in texts
        if not _not_yet(text, target.newest(name, errand.node_key))
    )
    return Survey(host.name, errand.node_key, listing.root, errand.home, steps, problems)


def _not_yet(problem: str, newest: Mapping[str, Synced]) -> bool:
    """Whether a folder is missing that never held anything. One that did may be a mount that is gone."""
    return problem.endswith(": not there") and not newest


def check_twins(surveys: Sequence[Survey]) -> None:
    """Raises Refused where one machine is listed twice: its files would be counted twice."""
    seen: dict[tuple[str, str], str] = {}
    for each in surveys:
        twin = seen.setdefault((each.node_key, each.root), each.node)
        if twin != each.node:
            raise Refused(
                f"{each.node} is the same machine and folder as {twin}: take one of them out"
            )


def legs(
    found: Survey, dataset: str, steps: Sequence[Step], target: Target
) -> Iterator[tuple[Leg, tuple[Step, ...]]]:
    """The legs of a dataset's files, each with its steps. Databases travel as snapshots, by themselves."""
    files = [step for step in steps if step.travels and step.file.kind != SQLITE]
    inside = [step for step in files if not step.file.path.startswith("/")]
    outside = [step for step in files if step.file.path.startswith("/")]
    for part, base, group in (("files", found.root, inside), (OUTSIDE, "/", outside)):
        for chunk in _chunks(group):
            folder = posixpath.join(target.path, target.staging(found.node, dataset, part))
            grown = any(step.what in (GROWN, CHANGED) for step in chunk)
            names = tuple(step.file.path.lstrip("/") for step in chunk)
            size = sum(step.file.size for step in chunk)
            basis = (home_of(target, found.node, dataset, part),) if grown else ()
            yield Leg(base, folder, names, size, basis), chunk


def home_of(target: Target, node: str, dataset: str, part: str) -> str:
    """Where copies of a node's files lie for good."""
    below = (OUTSIDE,) if part == OUTSIDE else ()
    return posixpath.join(target.path, dataset, node, *below)


def _its_own(
    files: Sequence[DataFile], root: str, node_key: str, target: Target
) -> Sequence[DataFile]:
    """Without the copies of a destination on the very same machine: they are other nodes' data."""
    if node_key != target.node_key:
        return files
    below = target.path.rstrip("/") + "/"
    return [file for file in files if not posixpath.join(root, file.path).startswith(below)]


def _chunks(steps: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
    chunk: list[Step] = []
    size = 0
    for step in steps:
        size += len(step.file.path.encode("utf-8", "surrogateescape")) + 1
        chunk.append(step)
        if size > MOST_LIST_BYTES:
            yield tuple(chunk)
            chunk, size = [], 0
    if chunk:
        yield tuple(chunk)


def _named(word: str, steps: Sequence[Step]) -> list[str]:
    """`2 for later: a, b (still being written)`, one line for each reason."""
    reasons: dict[str, list[str]] = {}
    for step in steps:
        reasons.setdefault(step.reason, []).append(step.file.path)
    lines = []
    for reason, paths in reasons.items():
        shown = ", ".join(ascii(path)[1:-1] for path in paths[:3]) + (
            " …" if len(paths) > 3 else ""
        )
        lines.append(f"{len(paths):,} {word}: {shown}: {reason}")
    return lines
