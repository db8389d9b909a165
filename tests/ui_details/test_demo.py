"""The demo's machines: the same at the same moment, and true to the protocol."""

from __future__ import annotations

from console.demo import facts
from console.demo.machines import MACHINES, machine
from console.demo.past import past_events
from console.demo.processes import scripts
from console.fleet.model import NodeSpec, Transport
from console.fleet.store import FleetStore
from console.text import sanitise
from workers.protocol import AGENT_MESSAGES, FrameDecoder, decode_message, encode_message

EPOCH = 1_790_000_000.0


def test_a_moment_is_always_the_same() -> None:
    for index in range(len(MACHINES)):
        assert facts.sample(index, 12.5, EPOCH, full=True) == facts.sample(
            index, 12.5, EPOCH, full=True
        )
        assert facts.datasets(index, 12.5, EPOCH) == facts.datasets(index, 12.5, EPOCH)


def test_every_message_survives_the_wire() -> None:
    for index in range(len(MACHINES)):
        for message in (
            facts.hello(index, 0.0, EPOCH),
            facts.sample(index, 3.0, EPOCH, full=True),
            facts.datasets(index, 3.0, EPOCH),
        ):
            (frame,) = FrameDecoder().feed(encode_message(message))
            assert decode_message(frame.payload, AGENT_MESSAGES) == message


def test_counts_climb_and_what_was_killed_is_gone() -> None:
    before, after = facts.datasets(1, 0.0, EPOCH), facts.datasets(1, 3600.0, EPOCH)
    assert after.counts[0].records - before.counts[0].records == 1_204
    victim = facts.sample(1, 0.0, EPOCH).top[0]
    left = facts.sample(1, 0.0, EPOCH, gone=frozenset({victim.pid}))
    assert victim.pid not in [process.pid for process in left.top]
    assert left.host.process_count == len(scripts(1)) - 1


def test_every_kind_of_alert_of_a_machine_occurs_and_healthy_machines_are_quiet() -> None:
    specs = tuple(NodeSpec(machine(i).name, Transport.MEMORY) for i in range(40))
    store = FleetStore()
    for event in past_events(specs, 1_000_000.0, EPOCH):
        store.apply(event)
    kinds = {alert.kind for alert in store.alerts}
    assert kinds >= {
        "disk_nearly_full", "gpu_lost", "gpu_driver", "gpu_idle_held", "gpu_hot", "cpu_contention",
        "memory", "clock_skew", "dataset_unreadable",
    }  # fmt: skip
    assert not [alert for alert in store.alerts if alert.node.startswith("sim-")]


def test_hostile_names_arrive_visible() -> None:
    index = next(i for i, m in enumerate(MACHINES) if m.name == "vast-7")
    (frame,) = FrameDecoder().feed(encode_message(facts.sample(index, 0.0, EPOCH, top=60)))
    sample = decode_message(frame.payload, AGENT_MESSAGES, sanitise)
    assert not any(
        "\x1b" in process.command or "\u202e" in process.command for process in sample.top
    )
    assert any("<U+202E>" in process.command for process in sample.top)
