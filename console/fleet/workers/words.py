"""The words for a worker, the same on the screen and on the command line."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterable
from datetime import datetime

from console import formatting
from workers.contract import EXIT_INTERRUPTED, EXIT_TERMINATED, EXIT_WORDS
from workers.protocol import WorkerRecord

_LOST = {
    "reboot": "the node was started anew",
    "supervisor": "its supervisor was killed",
    "deleted": "its run directory was deleted",
    "unknown": "nobody saw its end",
}
_HEALTH = {
    "ok": "",
    "unknown": "",
    "slow": "slow",
    "stalled": "stalled",
    "crash_loop": "crash-loop",
    "writer_blocked": "blocked",
}
_STOPPED = (EXIT_INTERRUPTED, EXIT_TERMINATED)
_STATES = {"backoff": "back-off"}


def state_word(state: str) -> str:
    """The state as people read it."""
    return _STATES.get(state, state)


def health_word(health: str) -> str:
    """One short word; "" where there is nothing to say."""
    return _HEALTH.get(health, health)


def signal_name(number: int) -> str:
    """`SIGKILL`; `signal 64` for one without a name here."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def outcome(record: WorkerRecord) -> str:
    """How its last attempt ended: `exited 0`, `exit 4 (configuration)`, `killed by SIGKILL (out of memory)`.

    "" while it has not ended.
    """
    if record.state == "lost":
        return lost(record)
    if record.error is not None:
        return f"could not be started: {record.error}"
    if record.signal is not None:
        cause = " (out of memory)" if record.oom else ""
        core = ", core written" if record.core else ""
        return f"killed by {signal_name(record.signal)}{cause}{core}"
    if record.exit_code is None:
        return "stopped" if record.state == "stopped" else ""
    return _exit(record.exit_code, record.oom)


def _exit(code: int, oom: bool) -> str:
    if code == 0:
        return "exited 0"
    if oom:
        return f"exit {code} (out of memory)"
    word = EXIT_WORDS.get(code)
    return f"exit {code} ({word})" if word else f"exit {code}"


def lost(record: WorkerRecord) -> str:
    """`lost: the node was started anew, last seen 2026-09-21 15:33`, in this machine's time zone."""
    reason = record.lost_reason or "unknown"
    text = f"lost: {_LOST.get(reason, reason)}"
    if record.last_seen_at is None:
        return text
    return f"{text}, last seen {moment(record.last_seen_at)}"


def moment(clock: float) -> str:
    """`2026-09-21 15:33`: a wall clock in this machine's time zone."""
    try:
        return datetime.fromtimestamp(clock).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return formatting.MISSING


def ended(record: WorkerRecord) -> str:
    """How a run that is over ended, in as few words as there are; "" for one that lives."""
    if record.state == "stopped":
        how = outcome(record)
        plain = record.exit_code in _STOPPED or how in ("", "stopped")
        return "stopped" if plain else f"stopped, {how}"
    return outcome(record) if record.state in ("exited", "lost") else ""


def actual(record: WorkerRecord) -> str:
    """What it is now, in words: `running`, `exited 0`, `kill pending: 4711 in D state (ext4_sync)`."""
    if record.kill_pending:
        return f"kill pending: {', '.join(record.kill_pending)}"
    over = ended(record)
    if over:
        return over
    if record.state == "backoff":
        why = outcome(record)
        soon = record.restart_in_s
        again = "starts again" if soon is None else f"starts again in {formatting.age(soon)}"
        return f"{why}, {again}" if why else again
    return state_word(record.state)


def wanted_and_actual(record: WorkerRecord) -> str:
    """`wanted running, killed by SIGKILL (out of memory)`; only what it is, where that is what is wanted."""
    now = actual(record)
    return now if is_as_wanted(record) else f"wanted {record.desired}, {now}"


def is_as_wanted(record: WorkerRecord) -> bool:
    """Desired and actual state agree; one that is done has nothing left to want."""
    if record.kill_pending:
        return False
    if record.desired == "running":
        return record.state == "running" or (record.state == "exited" and record.exit_code == 0)
    return record.state in ("stopped", "exited")


def per_minute(value: float | None) -> str:
    """Units per minute in at most 6 characters: `312`, `0.42`, `12.4k`."""
    if value is None:
        return formatting.MISSING
    if 0 < value < 9.95:
        return f"{value:.2f}".rstrip("0").rstrip(".") if value >= 0.005 else "<0.01"
    return formatting.short_count(round(value))


def command_line(command: Iterable[str]) -> str:
    """The argument list as a shell would take it."""
    return shlex.join(command)
