"""Whether a node may be destroyed, in one word and with the numbers. Pure.

Standard library only, Python 3.9.
"""

from typing import Collection, Dict, List, NamedTuple, Optional, Sequence

from workers.ledger.shapes import Standing

STAGES = ("synced", "aggregated", "backed up")


class Safety(NamedTuple):
    """``safe`` None: unknown, which is never yes. ``text``: "no: 1,204 records (3.1 GB) not synced"."""

    safe: Optional[bool]
    text: str
    records: Optional[int] = None  # that would be lost; None where nobody can count them
    bytes: Optional[int] = None
    files: Optional[int] = None


class _Rest(NamedTuple):
    """What has not reached one stage."""

    records: Optional[int] = 0
    bytes: int = 0
    files: int = 0

    def plus(self, records: Optional[int], size: int, files: int) -> "_Rest":
        together = None if self.records is None or records is None else self.records + records
        return _Rest(together, self.bytes + size, self.files + files)


def is_safe(
    standings: Sequence[Standing], needs_backup: Collection[str] = (), unit: str = "record"
) -> Safety:
    """Whether every byte of these datasets of one node is aggregated, and backed up where ``needs_backup``
    names the dataset. No standing at all is unknown: nobody looked.
    """
    if not standings:
        return Safety(None, "unknown: no dataset is configured, so nobody looked for data")
    unknown = [f"{each.dataset}: {each.unknown}" for each in standings if each.unknown is not None]
    rests = {stage: _Rest() for stage in STAGES}
    for each in standings:
        _add(each, each.dataset in needs_backup, rests, unknown)
    worst = rests[STAGES[2]] if rests[STAGES[2]].files else rests[STAGES[1]]
    if worst.files:
        text = "; ".join(_short(rests, unit) + [f"unknown: {text}" for text in unknown])
        return Safety(False, "no: " + text, *worst)
    if unknown:
        return Safety(None, "unknown: " + "; ".join(unknown))
    return Safety(True, _allowed(standings, needs_backup, unit), 0, 0, 0)


def _add(each: Standing, backup: bool, rests: Dict[str, _Rest], unknown: List[str]) -> None:
    synced, aggregated, backed_up = STAGES
    rests[synced] = rests[synced].plus(
        each.unsynced_records, each.unsynced_bytes, each.unsynced_files
    )
    missing = (each.unaggregated_records, each.unaggregated_bytes, each.unaggregated_files)
    rests[aggregated] = rests[aggregated].plus(*missing)
    if not backup:
        rests[backed_up] = rests[backed_up].plus(*missing)
    elif each.not_backed_up_bytes is None or each.not_backed_up_files is None:
        unknown.append(f"{each.dataset}: nothing is known of its backups")
        rests[backed_up] = rests[backed_up].plus(*missing)
    else:
        rests[backed_up] = rests[backed_up].plus(
            each.not_backed_up_records, each.not_backed_up_bytes, each.not_backed_up_files
        )


def _short(rests: Dict[str, _Rest], unit: str) -> List[str]:
    """Each stage that misses more than the one before it."""
    found: List[str] = []
    before = _Rest()
    for stage in STAGES:
        rest = rests[stage]
        if rest.files and rest != before:
            found.append(f"{_amount(rest.records, rest.bytes, rest.files, unit)} not {stage}")
        before = rest
    return found


def _allowed(standings: Sequence[Standing], needs_backup: Collection[str], unit: str) -> str:
    total = _Rest()
    for each in standings:
        total = total.plus(each.produced_records, each.produced_bytes, each.produced_files)
    if not total.files:
        return "yes: there are no data of its datasets here"
    amount = _amount(total.records, total.bytes, total.files, unit)
    backed_up = [each.dataset for each in standings if each.dataset in needs_backup]
    how = "synced and aggregated"
    if len(backed_up) == len(standings):
        how = "synced, aggregated and backed up"
    elif backed_up:
        how += f"; backed up: {', '.join(backed_up)}"
    return f"yes: all of {amount} {how}"


def _amount(records: Optional[int], size: int, files: int, unit: str) -> str:
    if records:
        return f"{records:,} {unit if records == 1 else unit + 's'} ({_size(size)})"
    named = "1 file" if files == 1 else f"{files:,} files"
    return f"{_size(size)} in {named}"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
