"""Without a backup the destination holds the only other copy: it is read again before anything goes."""

from workers.jobs.document import Document
from workers.jobs.prune.decide import GOES, UNPROVEN, Verdict
from workers.jobs.prune.survey import Ledger, Survey
from workers.jobs.reach import asked, reached


def with_copies(document: Document, ledger: Ledger, found: Survey) -> Survey:
    """What goes goes only if its copy hashes to what the ledger says. Raises WorkerError, as NotReached."""
    relied_on = [verdict for verdict in found.going if verdict.copy]
    if not relied_on:
        return found
    with reached(document.host(document.destination.node)) as errand, asked():
        hashed = errand.hash(ledger.path, [(each.copy, each.file.size) for each in relied_on])
    there = {each.path: each.hash for each in hashed}
    return found._replace(verdicts=tuple(_judged(each, there) for each in found.verdicts))


def _judged(verdict: Verdict, there: dict[str, str]) -> Verdict:
    if verdict.what != GOES or not verdict.copy or there.get(verdict.copy) == verdict.hash:
        return verdict
    return verdict._replace(
        what=UNPROVEN, reason="its copy at the destination is not what was synced any more"
    )
