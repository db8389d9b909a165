"""Each alert: one sentence that says why, the key that helps, raised and ended only when it held."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.fleet.alerts import Severity
from console.fleet.model import ProblemKind
from console.fleet.rules import AlertRules, Rule
from tests.fleet.world import GIB, World, disk, gpu, process, sample
from workers.protocol import DatasetCount, Disk, GpuProcess, GpuReport, Sample

KEYS = {"Enter", "s", "d", "T", "a"}

HOLDER = process(812)
CASES: list[tuple[str, Sample, list[str]]] = [
    (
        "disk_nearly_full",
        sample(disks=(disk(used=91),)),
        ["/data", "91 %", "9.7 GB left"],
    ),
    ("disk_nearly_full", sample(disks=(disk(used=100),)), ["/data is full"]),
    (
        "inodes",
        sample(disks=(disk(inodes_total=100, inodes_used=99),)),
        ["/data", "99 % of its inodes"],
    ),
    (
        "memory",
        sample(memory=(100 * GIB, 97 * GIB), top=(process(812, memory=90 * GIB),)),
        ["97 %", "python (812) 90.0 GiB"],
    ),
    ("gpu_hot", sample(gpu=GpuReport((gpu(3, temp=91.0),))), ["GPU 3 (H100)", "91 °C"]),
    (
        "gpu_lost",
        sample(gpu=GpuReport((gpu(3, None, None, lost=True, fault="lost", xid=79),))),
        ["GPU 3 (H100) is lost", "Xid 79"],
    ),
    (
        "gpu_driver",
        sample(gpu=GpuReport(fault="GPU driver not answering since 12 s")),
        ["driver not answering"],
    ),
    (
        "gpu_idle_held",
        sample(
            gpu=GpuReport(
                (gpu(1, 0.0, memory_used_bytes=41 * GIB, processes=(GpuProcess(812, 41 * GIB),)),)
            ),
            top=(HOLDER,),
        ),
        ["GPU 1", "41.0 GiB", "python (812, alice)"],
    ),
    (
        "cpu_contention",
        sample(load=48.0, top=(process(812, cpu=398.0), process(99, "rsync", cpu=120.0))),
        ["load 48 on 16 cores", "python (812) 398 %", "rsync (99) 120 %", "compete"],
    ),
    (
        "swap",
        sample(memory=(100 * GIB, 50 * GIB))._replace(
            host=sample().host._replace(
                memory=sample().host.memory._replace(
                    swap_total_bytes=10 * GIB, swap_used_bytes=9 * GIB
                )
            )
        ),
        ["swap is 90 %"],
    ),
]


@pytest.mark.parametrize(
    ("kind", "shown", "words"), CASES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_a_bad_figure_that_holds_raises_one_alert_that_says_why_and_ends_when_it_is_gone(
    kind: str, shown: Sample, words: list[str]
) -> None:
    world = World("a")
    rule = getattr(AlertRules(), kind)
    world.alive["a"] = shown
    if rule.for_s > 1:
        world.run(rule.for_s - 1)
        assert world.kinds() == []
    world.run(3)
    (alert,) = world.store.alerts
    assert alert.kind == kind
    assert all(word in alert.text for word in words), alert.text
    assert alert.key in KEYS
    assert alert.sentence.startswith("a: ")
    assert "\n" not in alert.text
    world.alive["a"] = sample(disks=(disk(),), gpu=GpuReport((gpu(1), gpu(3))))
    world.run(1)
    if rule.clear_s > 2:
        assert world.kinds() == [kind]
    world.run(rule.clear_s + 2)
    assert world.kinds() == []
    (ended,) = world.store.alert_history
    assert ended.id == alert.id
    assert ended.ended_at is not None


def test_a_short_peak_raises_nothing_and_a_short_dip_ends_nothing() -> None:
    world = World("a")
    world.alive["a"] = sample(gpu=GpuReport((gpu(temp=90.0),)))
    world.run(20)
    world.alive["a"] = sample(gpu=GpuReport((gpu(),)))
    world.run(5)
    world.alive["a"] = sample(gpu=GpuReport((gpu(temp=90.0),)))
    world.run(20)
    assert world.kinds() == []
    world.run(20)
    since = world.store.alerts[0].since
    world.alive["a"] = sample(gpu=GpuReport((gpu(),)))
    world.run(20)
    world.alive["a"] = sample(gpu=GpuReport((gpu(temp=90.0),)))
    world.run(60)
    assert [alert.since for alert in world.store.alerts] == [since]


def test_a_down_nodes_alerts_are_suspended_and_not_counted_as_fixed() -> None:
    world = World("a")
    world.alive["a"] = sample(disks=(disk(used=99),))
    world.run(2)
    world.lose("a")
    world.run(600)
    assert world.kinds() == ["node_down", "disk_nearly_full"]
    assert [alert.suspended for alert in world.store.alerts] == [False, True]
    world.up("a")
    world.run(2)  # no reading yet: still unknown
    assert [a.suspended for a in world.store.alerts if a.kind == "disk_nearly_full"] == [True]
    world.alive["a"] = sample(disks=(disk(used=99),))
    world.run(2)
    assert [(a.kind, a.suspended) for a in world.store.alerts] == [("disk_nearly_full", False)]


def test_what_a_silent_driver_or_a_faulty_disk_hides_is_not_fixed() -> None:
    world = World("a")
    world.alive["a"] = sample(disks=(disk(used=99),), gpu=GpuReport((gpu(temp=95.0),)))
    world.run(60)
    assert set(world.kinds()) == {"disk_nearly_full", "gpu_hot"}
    dark = Disk("/data", fault="not answering")
    world.alive["a"] = sample(disks=(dark,), gpu=GpuReport(fault="driver not answering"))
    world.run(600)
    assert {a.kind: a.suspended for a in world.store.alerts} == {
        "disk_nearly_full": True,
        "gpu_hot": True,
        "gpu_driver": False,
    }


def test_an_unknown_host_key_asks_for_t_and_other_problems_for_d() -> None:
    world = World("a", "b")
    world.lose("a", ProblemKind.HOST_KEY_UNKNOWN, "host key unknown")
    world.lose("b", ProblemKind.AUTHENTICATION, "authentication failed")
    assert {a.node: (a.kind, a.key) for a in world.store.alerts} == {
        "a": ("node_attention", "T"),
        "b": ("node_attention", "d"),
    }


def test_a_dataset_goes_stale_by_its_own_limit_even_if_the_node_says_nothing_new() -> None:
    rules = AlertRules(stale_after=(("d", 600.0),))
    world = World("a", rules=rules)
    world.count(
        "a", DatasetCount("d", 1, 5, 5, newest_at=world.clock), DatasetCount("e", 1, 5, 5, 1.0)
    )
    world.run(590)
    assert world.kinds() == []
    world.run(20)
    (alert,) = world.store.alerts
    assert (alert.kind, alert.subject, alert.key) == ("dataset_stale", "d", "d")
    assert "stale after 10 min" in alert.text
    world.count("a", DatasetCount("d", 1, 6, 5, newest_at=world.clock))
    world.run(6)
    assert world.kinds() == []


def test_a_stale_dataset_names_the_full_disk_that_explains_it() -> None:
    world = World("a", rules=AlertRules(stale_after=(("d", 60.0),)))
    world.alive["a"] = sample(disks=(disk(used=100),))
    world.count("a", DatasetCount("d", 1, 5, 5, newest_at=world.clock))
    world.run(70)
    texts = {alert.kind: alert.text for alert in world.store.alerts}
    assert "/data is full, so nothing can be written there" in texts["dataset_stale"]


def test_unreadable_files_are_named() -> None:
    world = World("a")
    world.count("a", DatasetCount("d", 5, 9, 9, unreadable_files=2, unreadable=("x", "y")))
    world.run(40)
    (alert,) = world.store.alerts
    assert alert.kind == "dataset_unreadable"
    assert "2 files unreadable and not counted: x, y" in alert.text


def test_a_clock_that_is_off_is_said_with_its_direction() -> None:
    world = World("a")
    world.hush("a")
    for _ in range(15):
        world.run(1)
        world.beat("a", skew_s=-600.0)
    (alert,) = world.store.alerts
    assert alert.kind == "clock_skew"
    assert "10 min behind" in alert.text


def test_a_disk_that_fills_soon_is_said_before_it_is_nearly_full() -> None:
    world = World("a")
    for used in range(60, 76):
        world.show("a", sample(disks=(disk(used=used),)))
        world.run(60)
    (alert,) = world.store.alerts
    assert alert.kind == "disk_nearly_full"
    assert "full in 25 min at this rate" in alert.text
    assert alert.severity is Severity.CRITICAL


def test_acknowledged_stays_listed_but_is_no_longer_the_worst() -> None:
    world = World("a", "b")
    world.lose("a", ProblemKind.AUTHENTICATION, "no")
    world.alive["b"] = sample(disks=(disk(used=92),))
    world.run(2)
    first, second = world.store.alerts
    world.store.acknowledge(first.id, world.at)
    world.store.acknowledge("no such alert", world.at)
    assert [a.id for a in world.store.alerts] == [second.id, first.id]
    worst = world.store.summary().worst
    assert worst is not None
    assert worst.id == second.id


def test_new_rules_hold_at_once_and_a_disabled_one_raises_nothing() -> None:
    world = World("a")
    world.alive["a"] = sample(disks=(disk(used=80),))
    world.run(2)
    assert world.kinds() == []
    world.store.set_rules(AlertRules(disk_nearly_full=Rule(limit=75.0)))
    assert world.kinds() == ["disk_nearly_full"]
    off = replace(AlertRules(), disk_nearly_full=Rule(limit=75.0, enabled=False))
    world.store.set_rules(off)
    world.run(2)
    assert world.kinds() == []


def test_figures_that_are_not_available_raise_nothing() -> None:
    world = World("a")
    nothing: Any = sample(cpu=None, memory=(None, None), disks=(Disk("/"),))
    world.alive["a"] = nothing._replace(
        host=nothing.host._replace(load=None), gpu=GpuReport((gpu(0, None, None),))
    )
    world.run(700)
    assert world.kinds() == []
