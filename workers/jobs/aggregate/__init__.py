"""Merges what was synced of a dataset into its consolidated store: every record once, with where it came from.

A run reads only files that the synced manifest names, as far as it names them, and of these only what is
not in the store yet. It adds generations; each has a manifest that is written last. Two passes: the first
verifies the bytes and names the records (`survey`), DuckDB finds what came before (`duplicates`), the second
reads again and writes what is new (`writing`).
"""

from workers.harness import Worker
from workers.jobs.document import Document
from workers.jobs.plan import Plan


def plan(document: Document) -> Plan:
    """What a run would do now; nothing is locked or written. Raises WorkerError."""
    from workers.jobs.aggregate.planning import told

    return told(document)


def run(worker: Worker, document: Document) -> int | None:
    """Raises WorkerError: what is partial, and why, is in its text and in the parts."""
    from workers.jobs.aggregate.running import aggregate

    return aggregate(worker, document)


__all__ = ["plan", "run"]
