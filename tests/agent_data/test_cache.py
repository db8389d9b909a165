"""What is remembered between two agents, and that garbage in it harms nothing."""

import json
import os
import stat
import zlib
from pathlib import Path

import pytest

from tests.agent_data.counting import Data, lines


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def remembered(data: Data, state: Path) -> Path:
    """Counts, closes, and gives the file of the cache."""
    first = Data(data.root, state)
    first.count("d/*.jsonl")
    first.counter.close()
    (file,) = state.iterdir()
    return file


def with_crc(rows: object) -> bytes:
    body = json.dumps(rows).encode()
    return b'{"schema":1,"crc":%d}\n' % zlib.crc32(body) + body


def test_the_next_agent_goes_on_where_the_last_one_ended(data: Data, state: Path) -> None:
    path = data.write("d/a.jsonl", 400_000)
    remembered(data, state)
    with path.open("ab") as file:
        file.write(lines(2))
    before = _read_by_this_thread()
    assert Data(data.root, state).count("d/*.jsonl").records == 400_002
    assert _read_by_this_thread() - before < 100_000


def test_the_file_is_private_and_alone(data: Data, state: Path) -> None:
    data.write("d/a.jsonl", 3)
    old = os.umask(0)
    try:
        file = remembered(data, state)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x00" * 100,
        b"not json\n{}",
        b'{"schema":2,"crc":0}\n{}',
        with_crc([1, 2]),
        with_crc({"lines": 5}),
        with_crc({"lines": [[1, 2]]}),
        with_crc({"lines": [["1", 2, 3, 4, 5, True, 6, 7, 6, 8, False, None]]}),
        with_crc({"lines": [[1, 2, 3, 4, 5, True, -6, 7, -6, 8, False, None]]}),
        with_crc({"lines": [[1, 2, 3, 4, 5, True, 6, 7, 6, 8, False, ["x"]]]}),
        b"[" * 200_000,
    ],
)
def test_garbage_is_as_good_as_no_cache(data: Data, state: Path, garbage: bytes) -> None:
    data.write("d/a.jsonl", 7)
    file = remembered(data, state)
    file.write_bytes(garbage)
    assert Data(data.root, state).count("d/*.jsonl").records == 7
    assert remembered(data, state) == file


def test_one_turned_bit_is_noticed(data: Data, state: Path) -> None:
    os.utime(data.write("d/a.jsonl", 7777), (1_000, 1_000))
    file = remembered(data, state)
    file.write_bytes(file.read_bytes().replace(b"7777", b"7778"))
    assert Data(data.root, state).count("d/*.jsonl").records == 7777


def test_a_link_in_place_of_the_cache_is_not_followed(data: Data, state: Path) -> None:
    data.write("d/a.jsonl", 7)
    file = remembered(data, state)
    target = data.write("precious", b"precious")
    file.unlink()
    file.symlink_to(target)
    assert remembered(data, state) == file
    assert target.read_bytes() == b"precious"
    assert not file.is_symlink()


def test_a_state_directory_that_cannot_be_written_costs_nothing_but_time(data: Data) -> None:
    data.write("d/a.jsonl", 7)
    blocked = data.write("blocked", b"a file")
    counted = Data(data.root, blocked / "state")
    assert counted.count("d/*.jsonl").records == 7
    counted.counter.close()


def test_what_is_gone_is_forgotten(data: Data, state: Path) -> None:
    path = data.write("d/a.jsonl", 7)
    data.write("d/b.jsonl", 7)
    both = remembered(data, state).stat().st_size
    path.unlink()
    assert remembered(data, state).stat().st_size < both


def _read_by_this_thread() -> int:
    text = Path("/proc/thread-self/io").read_text()
    return int(text.split("rchar:")[1].split()[0])
