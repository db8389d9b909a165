"""Why one of our commands cannot go on; each has its exit code.

WorkerError
├── NoDataYet       3  no data or network yet: it comes back with back-off
├── Misconfigured   4  what was asked for cannot be
└── CorruptData     5  what was read is not what was written
"""

from workers import contract


class WorkerError(Exception):
    """The text says what, where, and what to do."""

    code = 1
    phase = "failed"
    """What the status says the command came to."""


class NoDataYet(WorkerError):
    code = contract.EXIT_WAITING
    phase = "waiting"


class Misconfigured(WorkerError):
    code = contract.EXIT_CONFIGURATION


class CorruptData(WorkerError):
    code = contract.EXIT_CORRUPT_DATA
