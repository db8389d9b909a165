"""When a job's schedule is due, in the time zone of this machine. Pure but for the zone."""

from __future__ import annotations

from datetime import datetime

from cronsim import CronSim

from console.settings.jobs import JobSettings


def next_in_s(job: JobSettings, now: float) -> float | None:
    """Seconds from `now` (since the epoch) until it is due; None where it has no schedule, or no day ever comes."""
    if job.schedule is None:
        return None
    begin = datetime.fromtimestamp(now)  # without a zone: as the clock on the wall shows it
    try:
        return next(CronSim(job.schedule, begin)).timestamp() - now
    except StopIteration:
        return None
