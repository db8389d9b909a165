"""A run's history in words, one line an event."""

import signal
from typing import Any, Callable, Dict, Mapping, Tuple

from workers.contract import EXIT_WORDS
from workers.protocol import WorkerEvent
from workers.supervisor import events as kinds

_TEXT = 500
Event = Mapping[str, Any]


def in_words(history: Tuple[Event, ...]) -> Tuple[WorkerEvent, ...]:
    """Every event; one of a kind unknown here is named by its kind."""
    return tuple(_event(event) for event in history)


def _event(event: Event) -> WorkerEvent:
    kind = str(event.get("kind", "?"))
    try:
        words = _WORDS.get(kind)
        text = words(event) if words is not None else kind.replace("_", " ")
    except (KeyError, TypeError, ValueError):
        text = f"{kind.replace('_', ' ')} (not readable)"
    sequence, wall = event.get("seq"), event.get("wall")
    return WorkerEvent(
        sequence if type(sequence) is int else 0,
        float(wall) if isinstance(wall, (int, float)) else 0.0,
        text[:_TEXT],
    )


def signal_name(number: Any) -> str:
    """ "SIGKILL" for 9."""
    try:
        return signal.Signals(int(number)).name
    except (TypeError, ValueError):
        return f"signal {number}"


def _exited(event: Event) -> str:
    code, number = event.get("code"), event.get("signal")
    if number is not None:
        text = f"ended by {signal_name(number)}"
    elif code is not None:
        meaning = EXIT_WORDS.get(code)
        text = f"exited with code {code}" + (f" ({meaning})" if meaning else "")
    else:
        text = "ended; with what code is not known"
    if event.get("oom"):
        text += ", out of memory"
    if event.get("core"):
        text += ", core dumped"
    if event.get("leftovers"):
        text += f"; {event['leftovers']} of its processes live on"
    return text


def _desired(event: Event) -> str:
    by = event.get("by")
    return f"{event.get('act')} wanted" + (f" by {by}" if by else "")


def _signal(event: Event) -> str:
    name = event["signal"]
    words = name if isinstance(name, str) else signal_name(name)
    whom = {"main": "the main process", "group": "its group", "tree": "the whole tree"}
    return f"{words} to {whom.get(str(event.get('to')), event.get('to'))}"


def _by(event: Event) -> str:
    return f"created by {event['by']}" if event.get("by") else "created"


_WORDS: Dict[str, Callable[[Event], str]] = {
    kinds.CREATED: _by,
    kinds.INTENT: lambda event: f"attempt {event['attempt']} begins",
    kinds.STARTED: lambda event: f"runs as process {event['pid']}",
    kinds.EXEC_FAILED: lambda event: f"could not be executed: {event['text']}",
    kinds.ADOPTED: lambda event: f"process {event['pid']} is watched from here on",
    kinds.DESIRED: _desired,
    kinds.DRAINING: lambda _: "asked to finish its unit and stop",
    kinds.SIGNAL: _signal,
    kinds.KILL_PENDING: lambda event: f"kill pending: {', '.join(map(str, event['survivors']))}",
    kinds.EMPTIED: lambda _: "no process of it is left",
    kinds.EXITED: _exited,
    kinds.LOST: lambda event: f"lost ({event['reason']}): how it ended is not known",
    kinds.BACKOFF: lambda event: f"attempt {event['attempt']} follows in {event['delay_s']:.1f} s",
    kinds.CRASH_LOOP: lambda event: (
        f"given up: {event['restarts']} restarts within {event['window_s']:.0f} s"
    ),
    kinds.FINISHED: lambda _: "nothing more will follow by itself",
    kinds.SHIM_LOST: lambda _: "its shim was lost: the guardian goes on alone",
    kinds.GUARDIAN_LOST: lambda _: "its guardian was lost: the shim goes on alone",
    kinds.GAP: lambda event: (
        f"{event['end'] - event['start']} bytes of {event['stream']} are gone: {event['why']}"
    ),
    kinds.WARNING: lambda event: str(event["text"]),
}
