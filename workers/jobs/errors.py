"""Why a job, or its work on one node, does not go on.

WorkerError
├── NoDataYet
│   └── NotReached    3  the node does not answer; tried again
├── NoRoom            6  the disk would be too full
├── Refused           1  what the job will not do
├── Passing           1  the network's or the machine's mood; tried again
├── Interrupted       1  the job was told to end
└── SomeFailed        1  the work is done on some nodes only
"""

from workers import contract
from workers.harness import NoDataYet, WorkerError


class NotReached(NoDataYet):
    phase = "failed"


class NoRoom(WorkerError):
    code = contract.EXIT_NO_DISK


class Refused(WorkerError):
    """No other try would end otherwise."""


class Passing(WorkerError):
    """Another try may well succeed."""


class Interrupted(WorkerError):
    """A stop, a drain or the job's time limit."""


class SomeFailed(WorkerError):
    phase = "partial"


TRIED_AGAIN = (NotReached, Passing)
