"""Bytes become the same lines, wherever the network cut them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.fleet.logs.assembly import Assembler, RawLine
from console.fleet.logs.line import LIMIT_BYTES

_BYTES = st.lists(
    st.sampled_from(
        [b"a", b"\n", b"\r", b"\r\n", b"\x1b[31m", "é界".encode(), b"\xff", b"\x00", b"bc"]
    )
).map(b"".join)


def expected(data: bytes) -> list[RawLine]:
    """By the rule in its plainest form: what stands after the last carriage return that something follows."""
    lines, place = [], 0
    for line in data.split(b"\n")[:-1]:
        kept = line.rstrip(b"\r").rpartition(b"\r")[2]
        lines.append(RawLine(place, kept[:LIMIT_BYTES], max(0, len(kept) - LIMIT_BYTES)))
        place += len(line) + 1
    return lines


def fed(data: bytes, cuts: list[int], begin: int = 0) -> list[RawLine]:
    assembler, lines, done = Assembler(), [], 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        lines += assembler.feed(begin + done, data[done:cut])
        done = cut
    return lines


@given(_BYTES, st.lists(st.integers(0, 500)))
def test_lines_are_the_same_wherever_the_bytes_were_cut(data: bytes, cuts: list[int]) -> None:
    assert fed(data, cuts) == expected(data)


@given(_BYTES, st.lists(st.integers(0, 500)), st.integers(0, 60))
def test_bytes_that_come_twice_count_once(data: bytes, cuts: list[int], again: int) -> None:
    assembler, lines, done = Assembler(), [], 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        start = max(0, done - again)
        lines += assembler.feed(start, data[start:cut])
        done = cut
    assert lines == expected(data)


def test_a_line_knows_the_place_of_its_first_byte() -> None:
    lines = fed(b"one\ntwo\nthree\n", [2, 5], begin=4096)
    assert [(line.offset, line.data) for line in lines] == [
        (4096, b"one"), (4100, b"two"), (4104, b"three"),
    ]  # fmt: skip


def test_a_progress_bar_is_one_line_and_its_last_state_is_seen_while_it_runs() -> None:
    assembler = Assembler()
    assert assembler.feed(0, b"\r 10%|#   \r 20%|##  ") == []
    assert assembler.live is not None
    assert assembler.live.data == b" 20%|##  "
    assert assembler.is_progress
    assert assembler.feed(20, b"\r100%|####\n")[0].data == b"100%|####"
    assert not assembler.is_progress


def test_a_line_of_three_megabytes_is_cut_and_says_by_how_much() -> None:
    data = b"x" * 3_000_000 + b"\nnext\n"
    lines = fed(data, list(range(0, len(data), 60_000)))
    assert [(len(line.data), line.cut) for line in lines] == [
        (LIMIT_BYTES, 3_000_000 - LIMIT_BYTES), (4, 0),
    ]  # fmt: skip
    assert lines[1].offset == 3_000_001
    assert fed(data, []) == lines


def test_a_line_without_an_end_is_held_in_little_memory() -> None:
    assembler = Assembler()
    for offset in range(0, 50_000_000, 1_000_000):
        assembler.feed(offset, b"y" * 1_000_000)
    assert assembler.live is not None
    assert len(assembler.live.data) == LIMIT_BYTES
    assert assembler.live.cut == 50_000_000 - LIMIT_BYTES


def test_after_a_gap_the_line_begun_before_it_is_given_as_far_as_it_was_known() -> None:
    assembler = Assembler()
    assembler.feed(0, b"whole\nhal")
    assert assembler.feed(900, b"rest\nnext\n") == [
        RawLine(6, b"hal"), RawLine(900, b"rest"), RawLine(905, b"next"),
    ]  # fmt: skip


def test_of_a_flood_every_so_many_th_line_is_given_and_all_are_counted() -> None:
    data = b"".join(b"line %d\n" % number for number in range(1000))
    whole, thin = Assembler(), []
    for start in range(0, len(data), 777):
        thin += whole.feed(start, data[start : start + 777], 10)
    assert whole.lines == 1000
    assert [line.data for line in thin] == [b"line %d" % number for number in range(0, 1000, 10)]
    assert all(data[line.offset :].startswith(line.data + b"\n") for line in thin)
