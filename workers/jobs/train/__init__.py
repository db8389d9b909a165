"""Sync, then train: mirror a data folder to fast storage, train there, bring only the results back."""

from workers.jobs.train.job import plan, run

__all__ = ["plan", "run"]
