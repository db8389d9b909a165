"""Prune: frees disk on the nodes, only of files that the ledger proves aggregated and backed up."""

from workers.jobs.prune.planning import plan
from workers.jobs.prune.running import run

__all__ = ["plan", "run"]
