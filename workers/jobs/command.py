"""`python -m workers.jobs KIND [--document FILE] [--plan [--json]]`: one job, with or without a supervisor."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from workers import harness
from workers.harness import Misconfigured, Worker
from workers.jobs.document import Document, load
from workers.jobs.plan import Plan

KINDS = ("sync", "aggregate", "backup", "restore", "prune", "train")
UNITS = {"aggregate": "record"}
"""What the status counts, where it is not files."""


class Job(Protocol):
    """What the module of a kind of job holds (`workers.jobs.KIND`, a module or a package)."""

    def plan(self, document: Document) -> Plan:
        """What it would do; reads, and changes nothing. Raises WorkerError."""

    def run(self, worker: Worker, document: Document) -> int | None:
        """Does it; its exit code. Raises WorkerError."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one job; its exit code."""
    words = sys.argv[1:] if argv is None else argv
    unit = UNITS.get(words[0] if words else "", "file")
    return harness.main("job", unit, run, parser(), words)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="python -m workers.jobs", description=__doc__)
    found.add_argument("kind", choices=KINDS, help="what the job does")
    found.add_argument("--document", metavar="FILE", help="its orders (default: $QD_INPUT)")
    found.add_argument("--plan", action="store_true", help="say what it would do, and do nothing")
    found.add_argument("--json", action="store_true", help="the plan as JSON")
    return found


def run(worker: Worker, arguments: argparse.Namespace) -> int | None:
    """Raises Misconfigured where the document is for another kind of job."""
    document = load(arguments.document)
    if document.kind != arguments.kind:
        raise Misconfigured(
            f"the document is for a job of kind {document.kind!r}, not {arguments.kind!r}"
        )
    job = job_of(arguments.kind)
    if arguments.plan:
        return _show(job.plan(document), arguments.json)
    worker.say(phase=document.kind, job=document.job, run=document.run)
    return job.run(worker, document)


def job_of(kind: str) -> Job:
    """Only the module that is asked for is imported: a sync needs no DuckDB."""
    return cast(Job, importlib.import_module(f"workers.jobs.{kind}"))


def _show(plan: Plan, as_json: bool) -> int:
    print(plan.json() if as_json else plan.text(), flush=True)
    return 4 if plan.refusals else 0
