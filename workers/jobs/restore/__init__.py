"""Restore: generations and models back from an object store into a folder, never over a file that differs."""

from workers.jobs.restore.planning import plan
from workers.jobs.restore.running import run

__all__ = ["plan", "run"]
