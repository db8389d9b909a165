"""Sealed shards count by name, open journals by lines."""

from tests.agent_data.counting import Data

DAY = "out/hex8_2p/20261101"


def shard(number: int, records: int, digest: int | None = None) -> str:
    digest = number if digest is None else digest
    return f"{DAY}/w1-{number}-n{records:06d}-{digest:016x}.jsonl.zst"


def test_names_carry_the_count_and_journals_are_read(data: Data) -> None:
    data.write(shard(1, 500), b"sealed")
    data.write(shard(2, 37), b"sealed")
    data.write("out/hex8_2p/open/w1.jsonl", 12)
    for pattern in ("out/**/*.jsonl.zst", "out/", f"{DAY}/*.zst", "out/*/*/*.jsonl.zst"):
        count = data.count(pattern, method="shards")
        assert (count.files, count.records) == (3, 549), pattern
    assert count.shards_listed
    assert set(count.shards) == {f"{1:016x}:500", f"{2:016x}:37"}


def test_a_copied_shard_counts_once(data: Data) -> None:
    data.write(shard(1, 500), b"sealed")
    data.write("out/copies/" + shard(1, 500).rsplit("/", 1)[1], b"sealed")
    count = data.count("out/**/*.jsonl.zst", method="shards")
    assert (count.files, count.records, len(count.shards)) == (2, 500, 1)
    assert count.faults == ("1 file: copies of shards that are counted already",)


def test_an_empty_shard_is_not_what_its_name_says(data: Data) -> None:
    data.write(shard(1, 500), b"sealed")
    data.write(shard(2, 500), b"")
    count = data.count("out/**/*.jsonl.zst", method="shards")
    assert (count.records, count.unreadable_files) == (500, 1)


def test_a_journal_that_is_sealed_moves_its_records(data: Data) -> None:
    journal = data.write("out/hex8_2p/open/w1.jsonl", 500)
    assert data.count("out/", method="shards").records == 500
    data.write(shard(1, 500), b"sealed")
    journal.unlink()
    assert data.count("out/", method="shards").records == 500


def test_too_many_shards_are_counted_and_not_listed(data: Data) -> None:
    (data.root / DAY).mkdir(parents=True)
    for number in range(20_001):
        with open(data.root / shard(number, 2), "wb") as file:
            file.write(b"x")
    count = data.count("out/**/*.jsonl.zst", method="shards")
    assert (count.records, count.shards_listed, count.shards) == (40_002, False, ())
