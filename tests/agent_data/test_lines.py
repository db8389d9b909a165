"""Lines of files that grow, shrink, turn over, tear and lie about what they are."""

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent_data.counting import Data, lines
from workers.agent.data.wc import WORTH_BYTES


def test_an_append_is_counted_by_reading_only_what_is_new(data: Data) -> None:
    path = data.write("d/a.jsonl", 800_000)
    assert data.count("d/*.jsonl").records == 800_000
    with path.open("ab") as file:
        file.write(lines(3))
    before = _read_by_this_thread()
    assert data.count("d/*.jsonl").records == 800_003
    assert _read_by_this_thread() - before < 100_000 < path.stat().st_size


def test_an_append_that_ends_a_torn_line(data: Data) -> None:
    path = data.write("d/a.jsonl", b'{"id": 1}\n{"id"')
    count = data.count("d/*.jsonl")
    assert count.records == 1
    assert count.faults == ("d/a.jsonl: last line has no newline, not counted",)
    with path.open("ab") as file:
        file.write(b": 2}\n")
    count = data.count("d/*.jsonl")
    assert (count.records, count.faults) == (2, ())


def test_a_truncated_file_is_counted_anew(data: Data) -> None:
    path = data.write("d/a.jsonl", 1000)
    data.count("d/*.jsonl")
    os.truncate(path, len(lines(100)))
    assert data.count("d/*.jsonl").records == 100
    os.truncate(path, 0)
    assert data.count("d/*.jsonl").records == 0


def test_truncated_and_written_beyond_its_old_size(data: Data) -> None:
    path = data.write("d/a.jsonl", 100)
    data.count("d/*.jsonl")
    path.write_bytes(b"\n" * 50 + lines(200))  # the same inode
    assert data.count("d/*.jsonl").records == 250


def test_rotation_by_name(data: Data) -> None:
    path = data.write("d/a.jsonl", 10)
    assert data.count("d/*.jsonl*").records == 10
    path.rename(data.root / "d/a.jsonl.1")
    data.write("d/a.jsonl", 4)
    count = data.count("d/*.jsonl*")
    assert (count.files, count.records) == (2, 14)


def test_replaced_by_another_file_of_the_same_size(data: Data) -> None:
    path = data.write("d/a.jsonl", b"x\ny\n")
    data.count("d/*.jsonl")
    other = data.write("other", b"xyz\n")
    os.replace(other, path)
    assert data.count("d/*.jsonl").records == 1


def test_rewritten_in_place_with_the_same_size(data: Data) -> None:
    path = data.write("d/a.jsonl", b"x\ny\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    data.count("d/*.jsonl")
    path.write_bytes(b"xyz\n")
    assert data.count("d/*.jsonl").records == 1
    path.write_bytes(b"\n\n\n\n")  # within one clock tick of the last count, perhaps
    assert data.count("d/*.jsonl").records == 4


def test_a_removed_file_no_longer_counts(data: Data) -> None:
    path = data.write("d/a.jsonl", 10)
    data.write("d/b.jsonl", 1)
    data.count("d/*.jsonl")
    path.unlink()
    assert data.count("d/*.jsonl").records == 1


def test_short_lines_and_long_lines(data: Data) -> None:
    data.write("d/short.jsonl", b"\n" * 700_001)
    data.write("d/long.jsonl", (b"x" * 9_000 + b"\n") * 111)
    data.write("d/mixed.jsonl", (b"x" * 9_000 + b"\n" * 3_000) * 97)
    assert data.count("d/*.jsonl").records == 700_001 + 111 + 3_000 * 97


@pytest.mark.parametrize("path", [os.environ.get("PATH", ""), "/nowhere"])
def test_a_large_file_with_and_without_wc(
    data: Data, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("PATH", path)
    block = b'{"id": 1, "moves": "%s"}\n' % (b"7" * 300)
    file = data.write("d/a.jsonl", block * 120_000 + b"torn")
    assert file.stat().st_size > WORTH_BYTES
    count = data.count("d/*.jsonl")
    assert count.records == 120_000
    assert count.faults == ("d/a.jsonl: last line has no newline, not counted",)
    with file.open("ab") as end:
        end.write(b"\n" + block * 120_000)
    count = data.count("d/*.jsonl")
    assert (count.records, count.faults) == (240_001, ())


def test_a_hole_left_by_a_crash_is_named(data: Data) -> None:
    data.write("d/a.jsonl", lines(5) + bytes(100))
    count = data.count("d/*.jsonl")
    assert count.records == 5
    assert "d/a.jsonl: ends in NUL bytes: torn by a crash" in count.faults


def test_size_newest_and_names(data: Data) -> None:
    old = data.write("d/a.jsonl", 5)
    data.write("d/b.jsonl", 6)
    os.utime(old, (100.0, 100.0))
    os.utime(data.root / "d/b.jsonl", (2_000.5, 2_000.5))
    count = data.count("d/*.jsonl")
    assert (count.files, count.bytes, count.newest_at) == (2, len(lines(5) + lines(6)), 2_000.5)


def test_an_input_output_error_is_named(data: Data) -> None:
    broken = Path("/sys/class/net/lo/speed")  # a regular file whose read fails
    try:
        broken.read_bytes()
        pytest.skip("reading /sys/class/net/lo/speed does not fail here")
    except FileNotFoundError:
        pytest.skip("no /sys here")
    except OSError:
        pass
    data.write("d/good.jsonl", 2)
    os.symlink(broken, data.root / "d/bad.jsonl")
    count = data.count("d/*.jsonl")
    assert (count.records, count.unreadable) == (2, ("d/bad.jsonl",))


def test_only_twenty_faults_are_told(data: Data) -> None:
    for i in range(30):
        data.write(f"d/{i}.jsonl", b"torn")
    count = data.count("d/*.jsonl")
    assert len(count.faults) == 21
    assert count.faults[-1] == "and 10 more faults"


# ---------------------------------------------------------------- gzip, whatever the name


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl"])
def test_gzip_is_known_by_its_content(data: Data, name: str) -> None:
    data.write(f"d/{name}", gzip.compress(lines(1234)))
    assert data.count("d/*").records == 1234


def test_gzip_of_many_members_that_grows(data: Data) -> None:
    path = data.write("d/a.jsonl.gz", gzip.compress(lines(10)) + gzip.compress(lines(20)))
    assert data.count("d/*").records == 30
    with path.open("ab") as file:
        file.write(gzip.compress(lines(5)) + bytes(512))
    count = data.count("d/*")
    assert (count.records, count.faults) == (35, ())


def test_a_torn_gzip_counts_the_lines_before_the_tear_and_goes_on_when_it_is_whole(
    data: Data,
) -> None:
    whole = gzip.compress(lines(100)) + gzip.compress(os.urandom(20_000) + b"\n" + lines(50))
    path = data.write("d/a.jsonl.gz", whole[:-9_000])
    count = data.count("d/*")
    assert count.records is not None
    assert 100 <= count.records < 100 + whole.count(b"\n") + 51
    assert "ends early (torn)" in count.faults[0]
    path.write_bytes(whole)
    expected = gzip.decompress(whole).count(b"\n")
    count = data.count("d/*")
    assert (count.records, count.faults) == (expected, ())


def test_a_corrupt_gzip_is_named(data: Data) -> None:
    content = bytearray(gzip.compress(lines(1000)))
    content[-6] ^= 0xFF
    data.write("d/a.jsonl", bytes(content))
    count = data.count("d/*")
    assert "corrupt gzip (incorrect data check)" in count.faults[0]


def test_garbage_after_gzip_is_named(data: Data) -> None:
    data.write("d/a.jsonl", gzip.compress(lines(10)) + b"not gzip at all")
    count = data.count("d/*")
    assert count.records == 10
    assert "garbage after its gzip data" in count.faults[0]


def test_a_gzip_whose_last_line_is_open(data: Data) -> None:
    data.write("d/a.jsonl", gzip.compress(b"{}\n{}"))
    count = data.count("d/*")
    assert (count.records, len(count.faults)) == (1, 1)


def test_a_gzip_that_unfolds_a_thousandfold(data: Data) -> None:
    data.write("d/a.jsonl", gzip.compress(b"\n" * 30_000_000))
    assert data.count("d/*").records == 30_000_000


# ---------------------------------------------------------------- zstd


@pytest.mark.skipif(shutil.which("zstd") is None, reason="needs the zstd program")
def test_zstd_by_the_program(data: Data) -> None:
    plain = data.write("plain", 5_000)
    packed = subprocess.run(["zstd", "-qc", plain], stdout=subprocess.PIPE, check=True).stdout
    data.write("d/a.jsonl.zst", packed)
    data.write("d/torn.jsonl.zst", packed[:-20])
    count = data.count("d/*")
    assert count.records is not None
    assert 5_000 <= count.records < 10_000
    assert len(count.faults) == 1
    assert "torn or corrupt zstd" in count.faults[0]


def test_zstd_without_any_zstd_is_no_number(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    data.write("d/a.jsonl", 5)
    data.write("d/b.jsonl.zst", b"\x28\xb5\x2f\xfd" + bytes(40))
    count = data.count("d/*")
    assert count.files == 2
    assert count.records is None
    assert "neither the zstd program nor a Python module" in (count.reason or "")


def _read_by_this_thread() -> int:
    text = Path("/proc/thread-self/io").read_text()
    return int(text.split("rchar:")[1].split()[0])
