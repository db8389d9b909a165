"""Signals to one process by identity. The wrong process is never signalled."""

import os
import signal
from typing import Callable, Optional

from workers.agent.process_identity import GONE, REUSED, mismatch
from workers.machine.process import start_ticks
from workers.protocol import SignalOutcome, SignalProcess

_SIGNALS = {
    "TERM": signal.SIGTERM,
    "KILL": signal.SIGKILL,
    "INT": signal.SIGINT,
    "STOP": signal.SIGSTOP,
    "CONT": signal.SIGCONT,
}

DELIVERED = "delivered"
NOT_PERMITTED = "not permitted"


def deliver(
    request: SignalProcess, ticks_of: Callable[[int], Optional[int]] = start_ticks
) -> SignalOutcome:
    """Sends the signal if the process is still the one that was meant, and says what came of it.

    The process is first held by a pidfd, then checked: between check and signal its number cannot
    pass to another. Where the kernel or Python has no pidfd (before 5.3), the check is made right
    before the signal.
    """
    refusal = _refusal(request)
    if refusal is not None:
        return SignalOutcome(False, refusal)
    number = _SIGNALS[request.signal]
    target = request.process
    try:
        held = _open(target.pid)
        if held is None:
            return _checked(
                target.start_ticks, target.pid, ticks_of, _by_number(target.pid, number)
            )
        try:
            send = _by_pidfd(held, number)
            return _checked(target.start_ticks, target.pid, ticks_of, send)
        finally:
            os.close(held)
    except ProcessLookupError:
        return SignalOutcome(False, GONE)
    except PermissionError:
        return SignalOutcome(False, NOT_PERMITTED)
    except OSError as error:
        return SignalOutcome(False, f"not delivered: {error.strerror or error}")


def _refusal(request: SignalProcess) -> Optional[str]:
    target = request.process
    if request.signal not in _SIGNALS:
        return f"{request.signal!r} is not one of {', '.join(_SIGNALS)}"
    if target.pid <= 1:
        return "refused: process 1 and process groups are not signalled"
    if target.pid == os.getpid():
        return "refused: this is the agent itself"
    return mismatch(target)


def _checked(
    wanted: int, pid: int, ticks_of: Callable[[int], Optional[int]], send: Callable[[], None]
) -> SignalOutcome:
    found = ticks_of(pid)
    if found is None:
        return SignalOutcome(False, GONE)
    if found != wanted:
        return SignalOutcome(False, REUSED)
    send()
    return SignalOutcome(True, DELIVERED)


def _open(pid: int) -> Optional[int]:
    """A pidfd; None where there is no such thing. Raises ProcessLookupError."""
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return os.pidfd_open(pid)
    except (ProcessLookupError, PermissionError):
        raise
    except OSError:
        return None  # an old kernel, or a sandbox that knows the call and refuses it


def _by_pidfd(held: int, number: signal.Signals) -> Callable[[], None]:
    return lambda: signal.pidfd_send_signal(held, number)


def _by_number(pid: int, number: signal.Signals) -> Callable[[], None]:
    return lambda: os.kill(pid, number)
