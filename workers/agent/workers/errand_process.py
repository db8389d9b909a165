"""A short-lived child with a deadline: its output, bounded, and how it ended."""

import os
import select
import signal
import subprocess
import time
from typing import Mapping, NamedTuple, Optional, Sequence, Tuple

_LIMIT_BYTES = 65_536
_REAP_S = 1.0  # a killed child may hang in the kernel


class Outcome(NamedTuple):
    output: bytes = b""  # stdout and stderr, cut at the limit
    code: Optional[int] = None  # None: it was killed for being late, or never started
    late: bool = False
    error: str = ""  # why it could not be started


def capture(
    argv: Sequence[str],
    environment: Mapping[str, str],
    directory: str,
    deadline_s: float,
    *,
    limit_bytes: int = _LIMIT_BYTES,
    until: bytes = b"",
) -> Outcome:
    """Runs ``argv`` in a session of its own without input, to its end or until it said ``until``.

    What it left running in its process group is killed when it did not end by itself.
    """
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Outcome(error=getattr(error, "strerror", None) or str(error))
    try:
        output, late = _read(child, time.monotonic() + deadline_s, limit_bytes, until)
    finally:
        _end(child)
    return Outcome(output, None if late else child.returncode, late)


def _read(
    child: "subprocess.Popen[bytes]", deadline: float, limit_bytes: int, until: bytes
) -> Tuple[bytes, bool]:
    assert child.stdout is not None
    source = child.stdout.fileno()
    poller = select.poll()
    poller.register(source, select.POLLIN)
    parts = bytearray()
    while True:
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not poller.poll(left_s * 1000.0):
            return bytes(parts), True
        piece = os.read(source, 65_536)
        if not piece:
            break
        parts += piece[: max(0, limit_bytes - len(parts))]
        if until and parts.endswith(until):  # something it started may hold its output open
            return bytes(parts), False
    try:
        child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return bytes(parts), True
    return bytes(parts), False


def _end(child: "subprocess.Popen[bytes]") -> None:
    try:  # its session outlives it where it left something running; the number is ours until it is reaped
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(_REAP_S)
    except (ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
        pass
    if child.stdout is not None:
        child.stdout.close()
