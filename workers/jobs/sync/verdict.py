"""What rsync's exit codes mean for a job. Pure. Source: rsync(1), EXIT VALUES."""

from collections.abc import Sequence

from workers.harness import Misconfigured, WorkerError
from workers.jobs.errors import NoRoom, NotReached, Passing, Refused

DONE, SOME, VANISHED = 0, 23, 24
WARNINGS = {
    SOME: "some files could not be transferred",
    VANISHED: "some files vanished before they could be transferred",
}
_SSH_FAILED = 255
_WORDS = {
    1: "it refuses the arguments (another version?)",
    2: "the two rsyncs do not understand each other (does the login shell print something?)",
    3: "a folder cannot be read or written",
    4: "the other side offers what was not asked for, or cannot do what was",
    5: "the client could not be started",
    6: "it cannot write its log",
    10: "the connection broke (socket I/O)",
    11: "a file cannot be written or read (file I/O)",
    12: "the connection broke (protocol stream)",
    13: "it cannot report (diagnostics)",
    14: "it cannot talk to its own processes (IPC)",
    19: "it was stopped by a signal (USR1)",
    20: "it was stopped by a signal",
    21: "it lost its own processes (waitpid)",
    22: "no memory for its buffers",
    25: "the limit of deletions was hit, though nothing is ever deleted: it was not our rsync",
    30: "no data came for too long",
    35: "no connection to a daemon in time, though none is ever asked",
}
_PASSING = (10, 12, 14, 19, 20, 21, 22, 30, 35)
_MISSING = (126, 127)
_ECHOES = ("rsync error:", "rsync: connection unexpectedly closed", "cat: write error")
"""What the other processes say of it: not why, but that."""
_QUOTED = 3  # lines of what rsync said


def judge(code: int, said: Sequence[str], node: str) -> WorkerError | None:
    """The error of an rsync that ended with ``code`` (negative: a signal); None where it went well, and for
    the warnings 23 and 24, after which what arrived still counts.
    """
    reasons = [line for line in said if not line.startswith(_ECHOES)] or list(said)
    words = "; ".join(reasons[-_QUOTED:])
    if "No space left on device" in words or "Disk quota exceeded" in words:
        return NoRoom(f"no space left at the destination: {words}")
    if code == DONE:
        return None
    if "Read-only file system" in words:
        return Refused(f"the destination cannot be written: {words}")
    if code in WARNINGS:
        return None
    if code == _SSH_FAILED:
        return NotReached(f"{node} cannot be reached by ssh: {words or 'no reason given'}")
    if code in _MISSING or "command not found" in words:
        return Misconfigured(f"rsync cannot be run on {node}: install it there ({words})")
    text = f"rsync ended with {_number(code)}: {_words(code)}"
    passing = code < 0 or code in _PASSING
    return (Passing if passing else WorkerError)(f"{text}: {words}" if words else text)


def warning(code: int, said: Sequence[str]) -> str:
    """What is to be said of an rsync that left some files; "" of others."""
    if code not in WARNINGS:
        return ""
    words = "; ".join(line for line in said if not line.startswith("rsync error:"))
    return f"rsync: {WARNINGS[code]} (code {code}): {words[:400]}"


def _number(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"code {code}"


def _words(code: int) -> str:
    return "it was killed" if code < 0 else _WORDS.get(code, "a code it does not have")
