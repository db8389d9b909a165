"""Backup: the consolidated generations and the models of this machine to an object store, never deleting there."""

from workers.jobs.backup.planning import plan
from workers.jobs.backup.running import run

__all__ = ["plan", "run"]
