"""Runs a prune: node by node, each file hashed there again under the hand that removes it."""

from workers.errands.shapes import Removal, Removed
from workers.harness import Misconfigured, Worker
from workers.jobs.crew import Act, Crew, Skip
from workers.jobs.document import Document
from workers.jobs.parts import PARTIAL, Part, Parts
from workers.jobs.plan import amount, byte_text
from workers.jobs.prune.copies import with_copies
from workers.jobs.prune.decide import UNPROVEN, Rules, Verdict
from workers.jobs.prune.figures import size_of
from workers.jobs.prune.planning import line
from workers.jobs.prune.survey import Ledger, Survey, read_ledger, rules, survey
from workers.jobs.reach import asked, reached

_BATCH = 50


class Unsafe(Misconfigured):
    """What the ledger does not prove is asked to go: exit code 4."""


def run(worker: Worker, document: Document) -> int | None:
    """Raises Unsafe with the numbers where nothing may go; NotReached where the ledger cannot be read."""
    by = rules(document)
    parts = Parts(worker, document.sources, "file")
    crew = Crew(worker, document.limits, parts)
    ledger = read_ledger(document)
    for text in ledger.damaged:
        worker.log(f"warning: {text}")
    crew.work(document.sources, _act(document, ledger, crew, by))
    crew.finish()
    worker.say(message=parts.text())
    return None


def _act(document: Document, ledger: Ledger, crew: Crew, by: Rules) -> Act:
    def act(part: Part) -> str | None:
        host = document.host(part.name)
        with reached(host) as errand:
            found = with_copies(document, ledger, survey(document, host, errand, ledger, by))
            _refuse(found)
            going = found.going
            part.say(total=len(going), done=0, bytes=0, bytes_total=size_of(going))
            freed, stayed = 0, []
            for start in range(0, len(going), _BATCH):
                crew.check()
                batch = going[start : start + _BATCH]
                with asked():
                    removed = errand.remove(found.root, [_removal(each) for each in batch])
                freed += _tell(crew.worker, part.name, batch, removed)
                stayed += [each for each in removed if not each.removed]
                part.say(done=start + len(batch), bytes=freed)
        return _end(part, found, freed, stayed)

    return act


def _refuse(found: Survey) -> None:
    """Raises Unsafe where the ledger speaks against all there is; Skip where nothing is old enough."""
    if found.refused:
        why = found.rest or found.of(UNPROVEN)[0].reason
        raise Unsafe(f"refused: {why}; nothing was removed")
    if not found.going:
        young = f"; {amount(len(found.kept), size_of(found.kept))} kept" if found.kept else ""
        raise Skip(f"nothing to prune{young}")


def _removal(verdict: Verdict) -> Removal:
    file = verdict.file
    return Removal(file.path, file.size, file.mtime_ns, verdict.hash)


def _tell(worker: Worker, node: str, batch: list[Verdict], removed: list[Removed]) -> int:
    """One line in the log for each file; gives the bytes that were freed."""
    for verdict, each in zip(batch, removed, strict=True):
        if each.removed:
            worker.log(f"{node}: removed: {line(verdict)}")
        else:
            worker.log(f"{node}: kept: {each.reason}")
    return sum(each.bytes for each in removed)


def _end(part: Part, found: Survey, freed: int, stayed: list[Removed]) -> str:
    gone = len(found.going) - len(stayed)
    words = [f"{byte_text(freed)} freed, {amount(gone, None)} removed"]
    if found.of(UNPROVEN):
        words.append(f"kept: {found.rest or found.of(UNPROVEN)[0].reason}")
    if stayed:
        names = "; ".join(each.reason for each in stayed[:3])
        words.append(f"{amount(len(stayed), None)} changed meanwhile and stayed: {names}")
    words += found.problems[:3]
    text = "; ".join(words)
    if found.problems:
        part.say(state=PARTIAL, message=text)
    return text
