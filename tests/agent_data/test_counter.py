"""The counter as the agent uses it: in a thread, stopped and asked at any time."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

import workers.agent.data.counter
from tests.agent_data.counting import Data, lines, never
from workers.agent.data.counter import LISTED_SHARDS
from workers.protocol import (
    AGENT_MESSAGES,
    DatasetCount,
    DatasetReport,
    DatasetWatch,
    FrameDecoder,
    decode_message,
    encode_message,
)

REPOSITORY = Path(__file__).resolve().parents[2]
OLD_PYTHON = next(
    (p for p in sorted(Path("~/.pyenv/versions").expanduser().glob("3.9.*/bin/python3.9"))), None
)


def test_before_the_first_count_there_is_a_reason_and_no_zero(data: Data) -> None:
    data.counter.configure(str(data.root), (DatasetWatch("a", ("d/*",), "lines"),))
    (count,) = data.counter.report().counts
    assert (count.files, count.records, count.reason) == (None, None, "counting…")


def test_a_count_that_goes_on_shows_its_files_so_far(data: Data) -> None:
    for i in range(100):
        data.write(f"d/{i}.jsonl", 3)
    seen = []

    def look() -> bool:
        seen.append(data.counter.report().counts[0])
        return False

    assert data.count("d/*.jsonl", stop=look).records == 300
    files = [count.files for count in seen if count.files]
    assert files
    assert files == sorted(files)
    assert {count.records for count in seen} == {None}


def test_a_recount_shows_the_last_count_until_it_ended(data: Data) -> None:
    path = data.write("d/a.jsonl", 3)
    data.count("d/*.jsonl")
    path.write_bytes(lines(5))
    seen = []

    def look() -> bool:
        seen.append(data.counter.report().counts[0].records)
        return False

    assert data.count("d/*.jsonl", stop=look).records == 5
    assert set(seen) == {3}


def test_a_stopped_count_goes_on_in_the_middle_of_a_file(data: Data) -> None:
    path = data.write("d/a.jsonl", 600_000)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 60

    count = data.count("d/*.jsonl", stop=stop)
    assert (count.files, count.records, count.reason) == (1, None, "counting…")
    before = _read_by_this_thread()
    assert data.count("d/*.jsonl").records == 600_000
    assert _read_by_this_thread() - before < path.stat().st_size * 0.8


def test_the_agent_may_stop_and_configure_while_it_counts(data: Data) -> None:
    for i in range(50):
        data.write(f"d/{i}.jsonl", 20_000)
    counter, stopping = data.counter, threading.Event()
    counter.configure(str(data.root), (DatasetWatch("a", ("d/*",), "lines"),))
    thread = threading.Thread(target=counter.count, args=(stopping.is_set,))
    thread.start()
    counter.configure(str(data.root), (DatasetWatch("b", ("d/1*",), "lines"),))
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    report = counter.count(never)
    assert [(count.name, count.records) for count in report.counts] == [("b", 11 * 20_000)]


def test_counting_gives_way_to_heartbeats(data: Data) -> None:
    data.write("d/a.jsonl", 1)
    found = []

    def count() -> None:
        data.count("d/*")
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, 0)
    thread = threading.Thread(target=count)
    thread.start()
    thread.join(10)
    assert found == [max(10, before)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_several_datasets_and_one_that_cannot_be_counted(data: Data) -> None:
    data.write("d/a.jsonl", 4)
    watches = (
        DatasetWatch("lines", ("d/*",), "lines"),
        DatasetWatch("odd", ("d/*",), "rows"),
        DatasetWatch("files", ("d/*",), "files"),
    )
    data.counter.configure(str(data.root), watches)
    first, odd, last = data.counter.count(never).counts
    assert (first.records, last.records) == (4, 1)
    assert odd.records is None
    assert "'rows' is not one of lines, shards" in (odd.reason or "")


def test_a_report_of_hostile_names_travels(data: Data) -> None:
    os.mkdir(data.root / "d")
    with open(os.fsencode(data.root) + b"/d/\xff\x1b]52;\n.jsonl", "wb") as file:
        file.write(b"torn")
    data.count("d/*")
    (frame,) = FrameDecoder().feed(encode_message(data.counter.report()))
    assert "\udcff" in decode_message(frame.payload, AGENT_MESSAGES).counts[0].faults[0]


def test_lists_of_shards_never_outgrow_a_frame(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    (data.root / "d").mkdir()
    for i in range(100):
        (data.root / f"d/w-{i}-n000500-{i:016x}.jsonl.zst").write_bytes(b"x")
    watches = tuple(DatasetWatch(str(i), ("d/*",), "shards") for i in range(4))
    data.counter.configure(str(data.root), watches)
    monkeypatch.setattr(workers.agent.data.counter, "LISTED_SHARDS", 250)
    report = data.counter.count(never)
    assert {count.records for count in report.counts} == {100 * 500}
    assert [count.shards_listed for count in report.counts] == [True, True, False, False]
    monkeypatch.undo()
    most = (f"{1:016x}:500000",) * LISTED_SHARDS
    assert encode_message(DatasetReport(1.0, (DatasetCount("a", shards=most),)))


@pytest.mark.skipif(OLD_PYTHON is None, reason="no Python 3.9 here")
def test_under_python_3_9(data: Data) -> None:
    data.write("d/a.jsonl", 10)
    data.write("d/b.jsonl", __import__("gzip").compress(lines(5)))
    data.write("d/w-1-n000500-00000000000000aa.jsonl.zst", b"x")
    data.write("d/c.parquet", b"torn")
    answer = subprocess.run(
        [str(OLD_PYTHON), "-I", "-S", "-c", _OLD, str(REPOSITORY), str(data.root)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout.split() == ["15", "515", "4", "None", "3"]


_OLD = """
import sys
sys.path.insert(0, sys.argv[1])
from workers.agent.data import DatasetCounter
from workers.protocol import DatasetWatch
import sqlite3
connection = sqlite3.connect(sys.argv[2] + "/x.db")
connection.execute("CREATE TABLE games (id)")
connection.executemany("INSERT INTO games VALUES (?)", [(i,) for i in range(3)])
connection.commit()
connection.close()
counter = DatasetCounter(None)
counter.configure(sys.argv[2], (
    DatasetWatch("a", ("d/*.jsonl",), "lines"),
    DatasetWatch("b", ("d/*.jsonl*",), "shards"),
    DatasetWatch("c", ("d/*",), "files"),
    DatasetWatch("d", ("d/*.parquet",), "parquet"),
    DatasetWatch("e", ("*.db",), "sqlite:games"),
))
print(*[count.records for count in counter.count(lambda: False).counts])
"""


def _read_by_this_thread() -> int:
    text = Path("/proc/thread-self/io").read_text()
    return int(text.split("rchar:")[1].split()[0])
