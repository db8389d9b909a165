"""Verdicts in numbers."""

from collections.abc import Iterable, Sequence

from workers.jobs.plan import amount, byte_text
from workers.jobs.prune.decide import Verdict


def size_of(verdicts: Iterable[Verdict]) -> int:
    """Bytes."""
    return sum(verdict.file.size for verdict in verdicts)


def records_text(verdicts: Sequence[Verdict]) -> str:
    """`1,204 records (3.1 GB)`, or how many files where nobody can count what is in them."""
    counts = [verdict.file.records for verdict in verdicts]
    if None in counts:
        return amount(len(verdicts), size_of(verdicts))
    records = sum(count or 0 for count in counts)
    word = "record" if records == 1 else "records"
    return f"{records:,} {word} ({byte_text(size_of(verdicts))})"
