"""Every job in one list: what runs, what waits, what is planned, what is over. Pure: facts in, rows out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from console.fleet.jobs.amount import BAD, Amount, amount
from console.fleet.jobs.words import (
    HISTORY,
    QUEUED,
    RUNNING,
    SCHEDULED,
    is_partial,
    kind_of,
    section_of,
    state_words,
)
from console.fleet.workers import WorkerView
from console.fleet.workers.words import actual
from workers.protocol import ProgressPart

__all__ = ["SECTIONS", "JobRow", "Planned", "job_rows", "kind_of"]

SECTIONS = (RUNNING, QUEUED, SCHEDULED, HISTORY)


@dataclass(frozen=True)
class Planned:
    """A job of the settings. `in_s`: seconds until it starts by itself; None where it does not, or nobody knows."""

    name: str
    kind: str
    schedule: str = ""  # a cron expression; "" where it starts only by hand
    in_s: float | None = None
    note: str = ""  # what stands against it: "sync_disabled: true on this machine"


@dataclass(frozen=True)
class JobRow:
    """One line of the list. `view` is None for one that is only planned."""

    section: str
    name: str
    kind: str
    state: str
    sign: str  # running, waiting, odd, bad, ended or unseen
    when_s: float | None  # since it started or ended, until it starts
    amount: Amount
    message: str
    view: WorkerView | None = None
    planned: Planned | None = None

    @property
    def key(self) -> str:
        """The same for the whole life of the row."""
        return "/".join(self.view.key) if self.view else f"{SCHEDULED}/{self.name}"

    @property
    def node(self) -> str:
        """Where it runs; "" where it does not yet."""
        return self.view.node if self.view else ""

    @property
    def parts(self) -> tuple[ProgressPart, ...]:
        said = self.view.record.progress if self.view else None
        return said.parts if said else ()

    @property
    def live(self) -> bool:
        return self.view is not None and self.view.live

    @property
    def bad(self) -> bool:
        """A person should look at it."""
        return self.sign in ("bad", "odd")

    @property
    def failed_nodes(self) -> tuple[str, ...]:
        """Those that were not done, by name."""
        return tuple(part.name for part in self.parts if part.state in BAD)

    @property
    def can_cancel(self) -> bool:
        return self.live

    @property
    def can_retry(self) -> bool:
        """Over and not done: only what is missing is done again."""
        return self.view is not None and not self.live and self.state != "done"


def job_rows(views: Iterable[WorkerView], planned: Iterable[Planned] = ()) -> tuple[JobRow, ...]:
    """All jobs among `views` and all that are scheduled, section by section.

    What runs is listed in the order it began, what is planned by its time, what is over with the newest first.
    """
    rows = [_of_view(view) for view in views if view.record.kind == "job"]
    rows += [_of_planned(one) for one in planned if one.schedule]
    return tuple(sorted(rows, key=_place))


def _of_view(view: WorkerView) -> JobRow:
    record = view.record
    word, sign = state_words(view)
    return JobRow(
        section_of(record),
        record.name,
        kind_of(record),
        word,
        sign,
        view.since_s,
        amount(view),
        _message(view),
        view=view,
    )


def _of_planned(one: Planned) -> JobRow:
    word, sign = ("held back", "waiting") if one.note else ("scheduled", "ended")
    said = one.note or f"cron {one.schedule}"
    return JobRow(SCHEDULED, one.name, one.kind, word, sign, one.in_s, Amount(), said, planned=one)


def _message(view: WorkerView) -> str:
    """Its own words; of one that went wrong who is to blame comes first."""
    record, said = view.record, view.record.progress
    if view.live and view.reason:
        return view.reason
    if record.error is not None:
        return record.error
    own = (said.blocked_because or said.message) if said else ""
    if own:
        return own
    failed = [part.name for part in said.parts if part.state in BAD] if said else []
    if failed and (is_partial(record) or view.live):
        return f"not done: {', '.join(failed)}"
    if not view.live and view.failed:
        return actual(record)
    return "" if said and said.parts else record.last_line


def _place(row: JobRow) -> tuple[int, float, str, str]:
    section = SECTIONS.index(row.section)
    far = float("inf")
    when_s = row.when_s if row.when_s is not None else far
    if row.section in (RUNNING, QUEUED):
        when_s = -when_s if when_s < far else far
    return (section, when_s, row.name, row.key)
