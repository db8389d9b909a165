"""What the manifests prove, and what they do not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ledger.entries import KEY, aggregated, backed_up, listed, synced
from workers.ledger.shapes import Standing
from workers.ledger.standing import Safety, is_safe, standing


def stand(*files: Any, s: Any = (), a: Any = (), b: Any = None) -> Standing:
    return standing(files, s, a, b, KEY, "games")


def test_what_is_nowhere_else_is_unsynced() -> None:
    found = stand(listed(), listed("b", records=None))
    assert (found.produced_files, found.produced_bytes, found.produced_records) == (2, 20, None)
    assert (found.unsynced_files, found.unsynced_bytes, found.unsynced_records) == (2, 20, None)
    assert found.unaggregated_bytes == 20
    assert found.not_backed_up_bytes is None
    assert found.last_synced_at is None


def test_the_whole_way() -> None:
    found = stand(listed(), s=[synced()], a=[aggregated()], b=[backed_up()])
    assert (found.unsynced_bytes, found.unaggregated_bytes, found.not_backed_up_bytes) == (0, 0, 0)
    assert (found.unsynced_files, found.unaggregated_files, found.not_backed_up_files) == (0, 0, 0)
    assert found.last_synced_at == synced().at
    assert found.last_aggregated_at == aggregated().at
    assert found.last_backed_up_at == backed_up().at
    assert is_safe([found], ["games"]).safe is True


@pytest.mark.parametrize(
    ("file", "entry"),
    [
        (listed(mtime_ns=6_000), synced()),  # same size, another time
        (listed(size=8, prefix_bytes=8), synced()),  # smaller
        (listed(), synced(node_key="ef" * 16)),  # another machine's
        (listed("c"), synced()),  # another file's
        (listed(kind="journal"), synced()),  # its shard travels, not it
        (listed(kind="whole", size=12, prefix_bytes=12), synced()),  # grown, and no lines
        (listed(kind="sqlite", size=12, prefix_bytes=12), synced()),
        (listed(kind="sqlite"), synced(mtime_ns=-1)),  # written to while it was copied
        (listed(kind="shard", sealed_hash="01" * 8, size=12, prefix_bytes=12), synced()),
    ],
)
def test_what_is_not_proven_is_wholly_unsynced(file: Any, entry: Any) -> None:
    found = stand(file, s=[entry], a=[aggregated()], b=[backed_up()])
    assert found.unsynced_bytes == file.size
    assert found.unaggregated_bytes == file.size
    assert found.unsynced_records == 2
    assert is_safe([found]).safe is False


def test_only_the_difference_of_lines_that_grew() -> None:
    grown = listed(size=25, prefix_bytes=25, records=5, mtime_ns=9_000)
    found = stand(grown, s=[synced()], a=[aggregated()])
    assert (found.unsynced_bytes, found.unsynced_records, found.unsynced_files) == (15, 3, 1)
    assert (found.unaggregated_bytes, found.unaggregated_records) == (15, 3)
    assert is_safe([found]).text == "no: 3 records (15 B) not synced"


def test_a_file_that_grew_was_synced_and_waits_to_be_aggregated() -> None:
    grown = listed(size=25, prefix_bytes=25, records=5, mtime_ns=9_000)
    newer = synced(bytes=25, size=25, records=5, mtime_ns=9_000, hash="cd" * 16)
    found = stand(grown, s=[synced(), newer], a=[aggregated()])
    assert found.unsynced_bytes == 0
    assert (found.unaggregated_bytes, found.unaggregated_records) == (15, 3)
    assert is_safe([found]).text == "no: 3 records (15 B) not aggregated"


def test_the_newest_entry_counts() -> None:
    older = synced(mtime_ns=1)
    assert stand(listed(), s=[older, synced()]).unsynced_bytes == 0
    assert stand(listed(), s=[synced(), older]).unsynced_bytes == 10


def test_a_torn_last_line_is_not_elsewhere() -> None:
    torn = listed(size=14)
    found = stand(torn, s=[synced(size=14)], a=[aggregated()])
    assert (found.unsynced_bytes, found.unsynced_records) == (4, 0)
    assert is_safe([found]).text == "no: 4 B in 1 file not synced"


def test_a_sealed_shard_needs_no_time() -> None:
    shard = listed(kind="shard", sealed_hash="01" * 8, mtime_ns=77)
    assert stand(shard, s=[synced()]).unsynced_bytes == 0


def test_a_snapshot_need_not_be_as_long_as_its_database() -> None:
    database = listed(kind="sqlite", size=4096, prefix_bytes=4096)
    found = stand(database, s=[synced(size=4096, bytes=2048)], a=[aggregated(bytes=2048)])
    assert found.unaggregated_bytes == 0


def test_other_bytes_of_that_name_were_aggregated() -> None:
    for entry in (aggregated(hash="00" * 16), aggregated(bytes=9), aggregated(node_key="e" * 32)):
        assert stand(listed(), s=[synced()], a=[entry]).unaggregated_bytes == 10


def test_a_generation_after_the_backup_is_not_backed_up() -> None:
    found = stand(listed(), s=[synced()], a=[aggregated()], b=[backed_up(2)])
    assert found.not_backed_up_bytes == 10
    assert is_safe([found], ["games"]).text == "no: 2 records (10 B) not backed up"
    assert is_safe([found]).safe is True
    assert stand(listed(), s=[synced()], a=[aggregated()], b=[]).not_backed_up_bytes == 10


def test_nothing_known_of_a_backup_that_is_wanted() -> None:
    found = stand(listed(), s=[synced()], a=[aggregated()])
    safety = is_safe([found], ["games"])
    assert safety.safe is False or safety.safe is None
    assert "nothing is known of its backups" in safety.text


def test_an_empty_file_has_nothing_to_lose() -> None:
    found = stand(listed(size=0, prefix_bytes=0, records=0))
    assert (found.produced_files, found.unsynced_files) == (1, 0)
    assert is_safe([found]).safe is True


def test_unknown_is_never_yes() -> None:
    good = stand(listed(), s=[synced()], a=[aggregated()])
    lost = good._replace(dataset="b", unknown="the manifests at agg cannot be read")
    assert is_safe([]) == Safety(None, is_safe([]).text)
    assert is_safe([good, lost]).safe is None
    assert is_safe([good, lost]).text == "unknown: b: the manifests at agg cannot be read"
    bad = is_safe([stand(listed()), lost])
    assert bad.safe is False
    assert bad.text == (
        "no: 2 records (10 B) not synced; unknown: b: the manifests at agg cannot be read"
    )


def test_the_numbers_are_in_the_words() -> None:
    big = listed(size=3_100_000_000, prefix_bytes=3_100_000_000, records=1204)
    safety = is_safe([stand(big)], unit="game")
    assert safety.text == "no: 1,204 games (3.1 GB) not synced"
    assert (safety.records, safety.bytes, safety.files) == (1204, 3_100_000_000, 1)
    assert is_safe([stand()]).text == "yes: there are no data of its datasets here"
    good = is_safe([stand(listed(), s=[synced()], a=[aggregated()])])
    assert good.text == "yes: all of 2 records (10 B) synced and aggregated"
