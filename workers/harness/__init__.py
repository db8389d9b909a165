"""The worker contract for our own commands: signals, drain, status, exit codes, threads and memory."""

from workers.harness.errors import CorruptData, Misconfigured, NoDataYet, WorkerError
from workers.harness.memory import tune_allocator
from workers.harness.program import main
from workers.harness.threads import cpu_threads
from workers.harness.worker import UNSET, Worker

__all__ = [
    "UNSET",
    "CorruptData",
    "Misconfigured",
    "NoDataYet",
    "Worker",
    "WorkerError",
    "cpu_threads",
    "main",
    "tune_allocator",
]
