"""Jobs as facts: work that is expected to end, now, waiting, planned and past."""

from console.fleet.jobs.rows import SECTIONS, JobRow, Planned, job_rows, kind_of
from console.fleet.jobs.running import RunningJobs, running_jobs

__all__ = ["SECTIONS", "JobRow", "Planned", "RunningJobs", "job_rows", "kind_of", "running_jobs"]
