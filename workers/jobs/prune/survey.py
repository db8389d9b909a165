"""What a node has, and what the ledger at the destination proves of it."""

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

from workers.errands.client import Errand
from workers.errands.shapes import Dataset as Wanted
from workers.errands.shapes import Manifests
from workers.harness import Misconfigured
from workers.jobs.document import Document, Host
from workers.jobs.prune.decide import GOES, KEPT, UNPROVEN, Rules, Verdict, decide, rules_of
from workers.jobs.reach import asked, reached
from workers.ledger.shapes import DataFile
from workers.ledger.standing import Safety, is_safe, standing

_NOTHING = ": not there"
"""A folder that is not there holds nothing to prune."""


class Ledger(NamedTuple):
    """The manifests of each dataset, and the machine and folder they lie on."""

    manifests: Mapping[str, Manifests]
    node_key: str
    path: str

    @property
    def damaged(self) -> tuple[str, ...]:
        return tuple(
            f"{name}: {text}; what it said counts as not said"
            for name, each in self.manifests.items()
            for text in each.damaged
        )


class Survey(NamedTuple):
    """One node: a verdict for each file, and whether all of it is elsewhere. ``problems``: what could not be
    listed, and so stays."""

    root: str
    verdicts: tuple[Verdict, ...]
    safety: Safety
    problems: tuple[str, ...]

    def of(self, what: str) -> list[Verdict]:
        return [verdict for verdict in self.verdicts if verdict.what == what]

    @property
    def going(self) -> list[Verdict]:
        return self.of(GOES)

    @property
    def refused(self) -> bool:
        """Nothing may go, and not because it is young or at work."""
        return not self.going and bool(self.of(UNPROVEN))

    @property
    def rest(self) -> str:
        """What is nowhere else, in numbers: `1,204 records (3.1 GB) not backed up`; "" where all is safe."""
        return "" if self.safety.safe else self.safety.text.removeprefix("no: ")

    @property
    def kept(self) -> list[Verdict]:
        return self.of(KEPT)


def rules(document: Document) -> Rules:
    """Raises Misconfigured."""
    fields = document.fields()
    if not document.datasets or not document.sources:
        raise Misconfigured(
            "a prune needs datasets and sources: nothing is pruned that is not named"
        )
    return rules_of(
        needs_backup=not fields.flag("without_backup"),
        keep_hours=fields.number("keep_hours", 0.0, 0.0),
    )


def read_ledger(document: Document) -> Ledger:
    """Raises NotReached: what a destination that does not answer would prove is unknown, so nothing goes."""
    node = document.destination.node
    with reached(document.host(node)) as errand, asked():
        found = errand.destination(document.destination.path)
        manifests = {
            each.name: errand.manifests(found.path, each.name) for each in document.datasets
        }
    return Ledger(manifests, errand.node_key, found.path)


def survey(document: Document, host: Host, errand: Errand, ledger: Ledger, by: Rules) -> Survey:
    """Asks the node. Raises WorkerError."""
    datasets = document.datasets_of(host.name)
    with asked():
        listing = errand.list(
            host.root, [Wanted(each.name, each.paths, each.count) for each in datasets]
        )
    verdicts: list[Verdict] = []
    standings = []
    for name, files in listing.files.items():
        its_own = _its_own(files, listing.root, errand.node_key, ledger)
        manifests = ledger.manifests[name]
        problem = "; ".join(listing.problems.get(name, ())) or None
        verdicts += decide(name, its_own, manifests, errand.node_key, by)
        standings.append(
            standing(
                its_own,
                manifests.synced,
                manifests.aggregated,
                manifests.backed_up if by.needs_backup else None,
                errand.node_key,
                name,
                problem,
            )
        )
    problems = (
        f"{name}: {text}"
        for name, texts in listing.problems.items()
        for text in texts
        if not text.endswith(_NOTHING)
    )
    safety = is_safe(standings, list(listing.files) if by.needs_backup else ())
    return Survey(listing.root, tuple(verdicts), safety, tuple(problems))


def _its_own(
    files: tuple[DataFile, ...], root: str, node_key: str, ledger: Ledger
) -> tuple[DataFile, ...]:
    """Without what lies at the destination itself: those copies are what the others rely on."""
    if node_key != ledger.node_key:
        return files
    below = ledger.path.rstrip("/") + "/"
    return tuple(file for file in files if not posixpath.join(root, file.path).startswith(below))
