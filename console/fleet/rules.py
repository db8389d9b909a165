"""When something is worth an alert: limits, and how long they must hold before it starts and ends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """`limit` in the unit of the rule's name; it must hold `for_s` to raise, and be gone `clear_s` to end."""

    limit: float = 0.0
    for_s: float = 0.0
    clear_s: float = 0.0
    enabled: bool = True


@dataclass(frozen=True)
class AlertRules:
    """One rule for each kind of alert. The settings' `alerts` have these names."""

    node_down: Rule = Rule()
    node_attention: Rule = Rule()
    disk_nearly_full: Rule = Rule(limit=90.0, for_s=0.0, clear_s=30.0)  # percent used
    disk_full_within: Rule = Rule(
        limit=24 * 3600.0, for_s=60.0, clear_s=600.0
    )  # seconds until full
    inodes: Rule = Rule(limit=90.0, for_s=0.0, clear_s=30.0)  # percent used
    memory: Rule = Rule(limit=95.0, for_s=30.0, clear_s=30.0)  # percent used
    swap: Rule = Rule(limit=50.0, for_s=60.0, clear_s=60.0)  # percent used
    gpu_hot: Rule = Rule(limit=85.0, for_s=30.0, clear_s=60.0)  # degrees Celsius
    gpu_lost: Rule = Rule(clear_s=5.0)
    gpu_driver: Rule = Rule(for_s=5.0, clear_s=5.0)
    gpu_idle_held: Rule = Rule(limit=5.0, for_s=600.0, clear_s=30.0)  # percent of memory held
    cpu_contention: Rule = Rule(limit=1.25, for_s=60.0, clear_s=60.0)  # load per core
    dataset_stale: Rule = Rule(clear_s=0.0)  # how old: `stale_after` of each dataset
    dataset_unreadable: Rule = Rule(for_s=30.0, clear_s=0.0)
    worker_slow: Rule = Rule(limit=50.0, for_s=120.0, clear_s=60.0)  # percent of its usual rate
    worker_stalled: Rule = Rule(limit=300.0, for_s=0.0, clear_s=0.0)  # seconds without a unit
    worker_crash_loop: Rule = Rule(limit=3.0, for_s=0.0, clear_s=60.0)  # crashes in ten minutes
    worker_writer_blocked: Rule = Rule(limit=60.0, for_s=10.0, clear_s=5.0)  # seconds: a full disk
    worker_lost: Rule = Rule()
    worker_exited_badly: Rule = Rule()  # wanted running, but over
    worker_kill_pending: Rule = Rule()  # what SIGKILL does not end
    worker_unguarded: Rule = Rule(for_s=10.0)  # one of its two guards is gone
    worker_warning: Rule = Rule()  # what its supervisor says, as that its logs are not rotated
    clock_skew: Rule = Rule(limit=10.0, for_s=10.0, clear_s=30.0)  # seconds
    stale_after: tuple[tuple[str, float], ...] = ()  # dataset, seconds; others are never stale
