"""The workers of the fleet as facts: what each is, how it fares, and the words for it."""

from console.fleet.workers.view import WorkerView

__all__ = ["WorkerView"]
