"""What is known of a node as a whole: never yes while anything of it is uncovered, or unknown, or old."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from console.fleet.events import LedgerLooked
from console.operations.ledger import LedgerOperations
from console.sessions.clock import SYSTEM_CLOCK
from console.settings.model import Settings
from tests.fleet.world import World
from workers.ledger.shapes import Standing
from workers.protocol import DatasetWatch

NAMES = ("d", "e", "f")
SETTINGS = Settings.model_validate(
    {
        "datasets": [{"name": name, "paths": [name]} for name in NAMES],
        "jobs": [{"name": "b", "kind": "backup", "remote": ":s3:b/p", "datasets": ["f"]}],
    }
)


async def nobody(node: str, message: Any, timeout_s: float) -> Any:
    raise AssertionError("nobody is asked")


def ledger_of(world: World) -> LedgerOperations:
    return LedgerOperations(nobody, world.store, lambda: SETTINGS, lambda: "local", SYSTEM_CLOCK)


def fleet(method: str = "lines") -> World:
    world = World()
    world.add("a", datasets=tuple(DatasetWatch(name, (name,), method) for name in NAMES))
    world.up("a")
    return world


def covered(name: str) -> Standing:
    return Standing(
        name, 10, 100, 1,
        not_backed_up_records=0, not_backed_up_bytes=0, not_backed_up_files=0,
    )  # fmt: skip


def tell(world: World, *standings: Standing) -> None:
    world.apply(LedgerLooked("a", world.at, world.clock, "a", standings))


def test_yes_needs_every_dataset() -> None:
    world = fleet()
    ledger = ledger_of(world)
    assert ledger.known_safety("a").safe is None
    tell(world, covered("d"), covered("e"))
    assert ledger.known_safety("a").safe is None, "nobody looked at f"
    tell(world, *(covered(name) for name in NAMES))
    assert ledger.known_safety("a").safe is True
    tell(world, covered("d"), covered("e"), Standing("f", unknown="nas is down"))
    assert ledger.known_safety("a").safe is None


def test_what_was_covered_once_promises_nothing_when_it_cannot_be_seen() -> None:
    world = fleet()
    ledger = ledger_of(world)
    short = covered("d")._replace(
        unaggregated_records=3, unaggregated_bytes=9, unaggregated_files=1
    )
    tell(world, short, covered("e"), covered("f"))
    assert ledger.known_safety("a").safe is False
    tell(world, *(Standing(name, unknown="a is down") for name in NAMES))
    safety = ledger.known_safety("a")
    assert safety.safe is None
    assert "a is down" in safety.text


def test_a_backup_counts_where_one_is_configured() -> None:
    world = fleet()
    ledger = ledger_of(world)
    missing = covered("f")._replace(
        not_backed_up_records=2, not_backed_up_bytes=20, not_backed_up_files=1
    )
    tell(world, covered("d")._replace(not_backed_up_files=5), covered("e"), missing)
    assert ledger.known_safety("a")[:2] == (False, "no: 2 records (20 B) not backed up")


def test_shards_hold_games() -> None:
    world = fleet("shards")
    short = covered("d")._replace(
        unsynced_records=1204, unsynced_bytes=3_100_000_000, unsynced_files=9,
        unaggregated_records=1204, unaggregated_bytes=3_100_000_000, unaggregated_files=9,
    )  # fmt: skip
    tell(world, short, covered("e"), covered("f"))
    assert ledger_of(world).known_safety("a").text == "no: 1,204 games (3.1 GB) not synced"


facts = st.one_of(
    st.none(),
    st.builds(
        lambda files, unknown, unsaved: {
            "unaggregated_files": files, "unaggregated_bytes": files * 7,
            "unknown": unknown, "not_backed_up_files": unsaved,
            "not_backed_up_bytes": None if unsaved is None else unsaved * 3,
        },
        st.integers(0, 1), st.sampled_from([None, None, "why"]), st.sampled_from([0, 0, 1, None]),
    ),
)  # fmt: skip


@given(st.lists(st.tuples(facts, facts, facts), min_size=1, max_size=3))
def test_never_safe_with_anything_uncovered_or_unknown(looks: list[Any]) -> None:
    world = fleet()
    ledger = ledger_of(world)
    for found in looks:
        made = [
            covered(name)._replace(**fact)
            for name, fact in zip(NAMES, found, strict=True)
            if fact is not None
        ]
        tell(world, *made)
    d, e, f = looks[-1]
    clear = all(
        fact is not None and fact["unknown"] is None and not fact["unaggregated_files"]
        for fact in (d, e, f)
    )
    saved = f is not None and f["not_backed_up_files"] == 0
    assert (ledger.known_safety("a").safe is True) == (clear and saved)
