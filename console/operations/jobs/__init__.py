"""Jobs: what is defined, what would happen, starting, cancelling, doing again what failed."""

from console.operations.jobs.operations import JobOperations
from console.operations.jobs.plan import HostShare, JobPlan

__all__ = ["HostShare", "JobOperations", "JobPlan"]
