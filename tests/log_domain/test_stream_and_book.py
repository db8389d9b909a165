"""Lines of many streams in one order, bounded, and what went wrong in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.fleet.logs.book import Holdback, LogBook
from console.fleet.logs.faults import group
from console.fleet.logs.find import Finder, Wanted
from console.fleet.logs.flood import Flood
from console.fleet.logs.line import WITHIN, Line
from console.fleet.logs.stream import LogStream
from workers.protocol import LogChunk, LogMatch, TailNote

NOW = 1_795_316_700.0


def line(at: float, source: int = 0, offset: int = 0, data: bytes = b"x") -> Line:
    return Line(at, at, False, source, 1, 0, offset, data)


def lines_of(text: bytes, source: int = 0, which: int = 0, skew_s: float = 0.0) -> list[Line]:
    stream = LogStream(source)
    stream.skew_s = skew_s
    return stream.take(LogChunk(1, which, 0, NOW - 10, text), NOW)


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), max_size=8), max_size=20)
)
def test_whatever_the_order_of_arrival_time_orders_and_a_stream_keeps_its_own(
    batches: list[list[tuple[int, int]]],
) -> None:
    book, newest, offset = LogBook(), dict.fromkeys(range(4), 0), 0
    for batch in batches:
        fresh = []
        for source, at in batch:
            newest[source] = max(newest[source], at)
            offset += 1
            fresh.append(line(float(newest[source]), source, offset))
        book.add(fresh)
    assert [one.at for one in book.lines] == sorted(one.at for one in book.lines)
    for source in range(4):
        offsets = [one.offset for one in book.lines if one.source == source]
        assert offsets == sorted(offsets)
    for place, one in enumerate(book.lines):
        assert book.place_of(one) == place


def test_the_book_is_bounded_and_says_that_older_lines_are_elsewhere() -> None:
    book = LogBook(keep_lines=100)
    for number in range(1000):
        book.add([line(float(number), offset=number)])
    assert 100 <= len(book) <= 111
    assert book.left == 1000 - len(book)
    assert book.lines[-1].offset == 999
    thick = LogBook(keep_lines=1000, keep_bytes=100_000)
    thick.add(line(float(n), offset=n, data=b"z" * 10_000) for n in range(100))
    assert sum(len(one.data) for one in thick.lines) <= 100_000


def test_streams_of_two_nodes_are_merged_by_one_clock_though_one_node_is_an_hour_ahead() -> None:
    book = LogBook()
    book.add(lines_of(b"2026-11-22T04:04:01Z a\n2026-11-22T04:04:03Z c\n", 0, skew_s=3600.0))
    book.add(lines_of(b"2026-11-22T03:04:02Z b\n2026-11-22T03:04:04Z d\n", 1))
    assert [one.text[-1] for one in book.lines] == ["a", "b", "c", "d"]


def test_lines_are_held_a_moment_so_that_they_come_in_order() -> None:
    hold = Holdback(0.3)
    hold.push([line(2.0)], 10.0)
    hold.push([line(1.0, 1)], 10.2)
    assert hold.release(10.25) == []
    assert len(hold.release(10.31)) == 1
    assert len(hold.release(10.6)) == 1


def test_a_note_stands_where_it_was_said() -> None:
    stream, book = LogStream(0), LogBook()
    book.add(stream.take(LogChunk(1, 0, 0, NOW - 5, b"before\n"), NOW))
    book.add([stream.note(TailNote("resumed", "the link is back\x1b[2J", 1), NOW)])
    book.add(stream.take(LogChunk(1, 0, 7, NOW - 4, b"behind\n"), NOW))
    assert [one.text for one in book.lines] == ["before", "the link is back␛[2J", "behind"]
    assert book.lines[1].is_note


def test_tracebacks_are_one_fault_each_grouped_and_counted() -> None:
    trace = b'Traceback (most recent call last):\n  File "/r/train.py", line 31, in f\n    g()\nValueError: shard %d\n'
    text = b"fine\n" + trace % 7 + b"fine again\n" + trace % 8
    found = lines_of(text)
    assert [one.kind for one in found] == ["", "traceback", WITHIN, WITHIN, WITHIN] * 2
    (one,) = group(found)
    assert (one.kind, one.count, one.title) == ("traceback", 2, "ValueError: shard 8 (train.py:31)")
    assert one.last is found[6]


def test_cuda_nccl_and_nan_are_told_apart_and_ordinary_lines_are_none_of_them() -> None:
    kinds = {
        b"torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB": "cuda_oom",
        b"[rank0]:[E1122 Watchdog caught collective operation timeout": "nccl",
        b"gpu-1:77:90 [0] NCCL WARN Call to connect failed": "nccl",
        b"gpu-1:77:90 [0] NCCL INFO Channel 00/02": "",
        b"epoch 3 loss=nan lr=0.1": "nan",
        b"loss: NaN": "nan",
        b"np.nanmean over 3 banana": "",
        b"2026-11-22 03:04:05 ERROR worker died": "error",
        b"Segmentation fault (core dumped)": "error",
        b"0 errors, 0 warnings": "",
        b"fatal: not a git repository": "error",
    }
    for text, kind in kinds.items():
        assert lines_of(text + b"\n")[0].kind == kind, text


def test_a_coloured_traceback_of_a_rank_is_known_and_its_cuda_fault_counts_as_such() -> None:
    text = (
        b"\x1b[31m[rank1]: Traceback (most recent call last):\n"
        b'[rank1]:   File "/r/a.py", line 3, in f\n'
        b"[rank1]: torch.OutOfMemoryError: CUDA out of memory. Tried 20 MiB\x1b[0m\n"
    )
    (one,) = group(lines_of(text))
    assert one.kind == "cuda_oom"


def test_a_search_finds_what_is_here_what_comes_and_what_the_node_found_each_once() -> None:
    here = lines_of(b"step 1\nother\nSTEP 2\n")
    finder = Finder(Wanted("step"), here)
    while not finder.done:
        finder.step(1)
    finder.adopt(
        LogStream(0).matched([LogMatch(1, 0, 0, "step 1"), LogMatch(1, 0, 900, "step 9")], NOW)
    )
    assert sorted(one.offset for one in finder.matches.lines) == [0, 13, 900]
    assert len(Finder(Wanted("Step"), here).matches) == 0


def test_a_burst_is_worked_off_and_only_a_flood_that_goes_on_is_thinned() -> None:
    flood = Flood(100)
    assert flood.decide(10_000) == 1
    assert [flood.decide(0) for _ in range(3)] == [1, 1, 1]
    assert [flood.decide(10_000) for _ in range(10)] == [1] * 10
    assert [flood.decide(10_000) for _ in range(40)][-1] == 100
    assert [flood.decide(0) for _ in range(12)][-1] == 1
