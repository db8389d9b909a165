"""Thresholds of the alerts, as `config/alerts.yaml` has them."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool

from console.fleet.rules import AlertRules
from console.settings.values import Duration, Section, duration_s

RULES = tuple(field.name for field in fields(AlertRules) if field.name != "stale_after")


def _limit(value: Any) -> float:
    """A number, or a duration for the rules whose limit is a time."""
    try:
        return duration_s(value)
    except ValueError:
        raise ValueError("wanted a number, or a duration such as 12h") from None


class RuleSettings(Section):
    """What is changed of one alert rule; what is absent stays as it was."""

    limit: Annotated[float, BeforeValidator(_limit)] | None = None
    for_: Annotated[Duration | None, Field(alias="for")] = None
    clear: Duration | None = None
    enabled: StrictBool | None = None


class AlertSettings(Section):
    """Thresholds: one entry for each kind of alert, named as in `AlertRules`."""

    node_down: RuleSettings = RuleSettings()
    node_attention: RuleSettings = RuleSettings()
    disk_nearly_full: RuleSettings = RuleSettings()
    disk_full_within: RuleSettings = RuleSettings()
    inodes: RuleSettings = RuleSettings()
    memory: RuleSettings = RuleSettings()
    swap: RuleSettings = RuleSettings()
    gpu_hot: RuleSettings = RuleSettings()
    gpu_lost: RuleSettings = RuleSettings()
    gpu_driver: RuleSettings = RuleSettings()
    gpu_idle_held: RuleSettings = RuleSettings()
    cpu_contention: RuleSettings = RuleSettings()
    dataset_stale: RuleSettings = RuleSettings()
    dataset_unreadable: RuleSettings = RuleSettings()
    worker_slow: RuleSettings = RuleSettings()
    worker_stalled: RuleSettings = RuleSettings()
    worker_crash_loop: RuleSettings = RuleSettings()
    worker_writer_blocked: RuleSettings = RuleSettings()
    worker_lost: RuleSettings = RuleSettings()
    worker_exited_badly: RuleSettings = RuleSettings()
    worker_kill_pending: RuleSettings = RuleSettings()
    worker_unguarded: RuleSettings = RuleSettings()
    worker_warning: RuleSettings = RuleSettings()
    clock_skew: RuleSettings = RuleSettings()
