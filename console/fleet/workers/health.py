"""How a worker fares, and why it is thought so. Pure: facts in, a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from console import formatting
from console.fleet.rules import AlertRules
from console.fleet.workers.pace import median
from console.fleet.workers.words import outcome, per_minute
from workers.protocol import WorkerRecord

OK, SLOW, STALLED, CRASH_LOOP = "ok", "slow", "stalled", "crash_loop"
WRITER_BLOCKED, UNKNOWN = "writer_blocked", "unknown"
UNWELL = frozenset({SLOW, STALLED, CRASH_LOOP, WRITER_BLOCKED})

_LOUD = 3.0  # a log that grows buys so many times the patience
_HUNG_S = 30.0  # in the kernel without a pause: no longer an ordinary read
_IDLE_CPU_PERCENT = 1.0
_FRESH_S, _FAR_S = 60.0, 1e9
_LEAST_PEERS = 2
_OWN_WORDS = {"blocked": WRITER_BLOCKED, "waiting": WRITER_BLOCKED}
_FILE_WAITS = ("sync", "write", "jbd2", "xfs", "ext4", "btrfs", "nfs", "rpc", "dirty", "freeze", "rwsem", "sb_start", "log_wait", "fuse")  # fmt: skip


class Peer(NamedTuple):
    """Another worker of the same group: its rate, and that rate to its own usual one."""

    node: str
    per_minute: float
    share_of_usual: float | None


class Facts(NamedTuple):
    """All that is judged by. Ages and quiet times are in seconds, rates in units per minute."""

    record: WorkerRecord
    node: str = ""
    reachable: bool = True
    per_minute: float | None = None
    usual: float | None = None
    quiet_s: float | None = None  # since its count last rose; None where it was never seen to
    longest_gap_s: float = 0.0  # between two rises
    watched_s: float = 0.0  # for how long it has been seen
    counted: bool = False  # a count is known that may rise
    status_age_s: float | None = None  # of its own word
    log_age_s: float | None = None
    hung_s: float | None = None  # since when it sleeps in the kernel and does nothing else
    crashes: int = 0  # in the last ten minutes
    disk: str = ""  # why nothing can be written under it: "/data is full"
    peers: Sequence[Peer] = ()


class Verdict(NamedTuple):
    health: str
    reason: str = ""


_OK, _UNKNOWN = Verdict(OK), Verdict(UNKNOWN)


def judge(facts: Facts, rules: AlertRules) -> Verdict:
    """The first that applies, the worst first. What must hold for a while is not waited for here."""
    record = facts.record
    if record.crash_loop:
        return _gave_up(record)
    if not facts.reachable:
        return _UNKNOWN
    if record.state in ("running", "backoff", "starting"):
        looping = _crash_loop(facts, rules)
        if looping:
            return looping
    if record.state != "running":
        return _UNKNOWN
    return _blocked(facts, rules) or _stalled(facts, rules) or _slow(facts, rules) or _well(facts)


def _gave_up(record: WorkerRecord) -> Verdict:
    times = f"{record.restarts} restarts" if record.restarts != 1 else "one restart"
    how = outcome(record)
    return Verdict(CRASH_LOOP, f"given up after {times}" + (f", the last: {how}" if how else ""))


def _crash_loop(facts: Facts, rules: AlertRules) -> Verdict | None:
    if facts.crashes < max(2.0, rules.worker_crash_loop.limit):
        return None
    how = outcome(facts.record)
    return Verdict(
        CRASH_LOOP,
        f"{facts.crashes} crashes in ten minutes" + (f", the last: {how}" if how else ""),
    )


# ------------------------------------------------------------ blocked


def _blocked(facts: Facts, rules: AlertRules) -> Verdict | None:
    record, said = facts.record, facts.record.progress
    if said is not None and said.blocked_because:
        return Verdict(WRITER_BLOCKED, f"it says: {said.blocked_because}")
    hung = record.blocked_in or ""
    if facts.hung_s is not None and any(word in hung.lower() for word in _FILE_WAITS):
        return Verdict(WRITER_BLOCKED, f"it hangs in a write in the kernel ({hung})")
    silent_s = _unproductive_s(facts)
    if facts.disk and silent_s is not None and silent_s >= rules.worker_writer_blocked.limit:
        return Verdict(WRITER_BLOCKED, f"nothing done for {formatting.age(silent_s)}, {facts.disk}")
    if said is not None and said.health in (WRITER_BLOCKED, *_OWN_WORDS):
        return Verdict(WRITER_BLOCKED, _own_word(facts, said.health))
    return None


def _unproductive_s(facts: Facts) -> float | None:
    """Since anything was counted, as far as it is known: at least for as long as it has been watched."""
    if facts.quiet_s is not None:
        return facts.quiet_s
    if not facts.counted:
        return None
    return max(facts.watched_s, facts.status_age_s or 0.0)


def _own_word(facts: Facts, word: str) -> str:
    said = facts.record.progress
    return f"it says so itself: {said.message}" if said and said.message else f"it says {word}"


# ------------------------------------------------------------ stalled


def _stalled(facts: Facts, rules: AlertRules) -> Verdict | None:
    """No unit for longer than it ever paused, and no word in the log; or for much longer, whatever it logs."""
    said = facts.record.progress
    if facts.hung_s is not None and facts.hung_s >= _HUNG_S:
        return Verdict(STALLED, f"it hangs in the kernel ({facts.record.blocked_in})")
    if said is not None and said.health == STALLED:
        return Verdict(STALLED, _own_word(facts, STALLED))
    patience_s = max(rules.worker_stalled.limit, _LOUD * facts.longest_gap_s)
    silent_s = facts.quiet_s
    if silent_s is None:  # never seen to do anything: its own old word must say it
        silent_s = facts.status_age_s
    if silent_s is None or silent_s < patience_s:
        return None
    logged_s = facts.log_age_s
    if logged_s is not None and logged_s < patience_s and silent_s < _LOUD * patience_s:
        return None
    return Verdict(STALLED, _stalled_words(facts, silent_s))


def _stalled_words(facts: Facts, silent_s: float) -> str:
    parts = [f"nothing done for {formatting.age(silent_s)}"]
    if facts.log_age_s is not None:
        parts.append(f"nothing logged for {formatting.age(facts.log_age_s)}")
    if facts.usual is not None:
        parts.append(f"it usually does {per_minute(facts.usual)} a minute")
    cpu = facts.record.cpu_percent
    if cpu is not None:
        parts.append(f"CPU {formatting.percent(cpu)}")
    return ", ".join(parts)


# ------------------------------------------------------------ slow


def _slow(facts: Facts, rules: AlertRules) -> Verdict | None:
    """Below a share of its own past, unless its peers fell likewise; or of its twins' on the same machine."""
    said, rate = facts.record.progress, facts.per_minute
    share = rules.worker_slow.limit / 100.0
    if rate is not None and _fell(facts, share):
        peers = _peer_words(facts)
        return Verdict(
            SLOW, f"{per_minute(rate)} a minute, usually {per_minute(facts.usual)}{peers}"
        )
    twins = [peer.per_minute for peer in facts.peers if peer.node == facts.node]
    if rate is not None and len(twins) >= _LEAST_PEERS and rate < share * median(twins):
        return Verdict(
            SLOW,
            f"{per_minute(rate)} a minute, while its {len(twins)} twins on this node do "
            f"{per_minute(median(twins))}",
        )
    if said is not None and said.health == SLOW:
        return Verdict(SLOW, _own_word(facts, SLOW))
    return None


def _fell(facts: Facts, share: float) -> bool:
    if facts.per_minute is None or facts.usual is None or facts.per_minute >= share * facts.usual:
        return False
    theirs = [peer.share_of_usual for peer in facts.peers if peer.share_of_usual is not None]
    return len(theirs) < _LEAST_PEERS or median(theirs) >= share


def _peer_words(facts: Facts) -> str:
    if len(facts.peers) < _LEAST_PEERS:
        return ""
    theirs = median([peer.per_minute for peer in facts.peers])
    return f"; its {len(facts.peers)} peers do {per_minute(theirs)}"


def _well(facts: Facts) -> Verdict:
    """Well by a rate, a log that grows or a processor that works; without any of them nobody knows."""
    record = facts.record
    busy = (record.cpu_percent or 0.0) >= _IDLE_CPU_PERCENT
    said = record.progress is not None and record.progress.health == OK
    fresh = min(_age(facts.log_age_s), _age(facts.status_age_s) if said else _FAR_S)
    if facts.per_minute or busy or fresh < _FRESH_S:
        return _OK
    return _UNKNOWN


def _age(seconds: float | None) -> float:
    return _FAR_S if seconds is None else seconds
