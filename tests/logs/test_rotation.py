"""A log is rotated under its writer: nothing is lost, nothing is doubled, and what is dropped is told."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agents import ROOT
from tests.logs.world import (
    KIB,
    SMALL,
    Reports,
    append,
    attempt,
    numbered,
    read_all,
    reader,
    settle,
    writer,
)
from workers.supervisor import stream_rotation
from workers.supervisor.log_index import LIMIT_BYTES, RECORD, IndexWriter, LogIndex, Mark
from workers.supervisor.log_reader import Loss
from workers.supervisor.rotation import RESTING_S, Rotator
from workers.supervisor.segments import list_segments

# ---------------------------------------------------------------- nothing lost, nothing doubled


def test_a_writer_at_full_speed_loses_nothing_and_its_blocks_come_back(tmp_path: Path) -> None:
    paths, reports = attempt(tmp_path), Reports()
    rotator = Rotator(paths, reports, SMALL)
    with writer(paths, 200_000) as process:
        while process.poll() is None:
            rotator.step()
    settle(rotator)
    rotator.close()
    assert read_all(paths) == (numbered(0, 200_000), [])
    assert len(list_segments(paths.folder, "out")) > 20
    live = os.stat(paths.log("out"))
    assert live.st_blocks * 512 < live.st_size / 4, "the front of the file is a hole"
    assert not reports.events
    for name in os.listdir(paths.folder):
        assert os.stat(os.path.join(paths.folder, name)).st_mode & 0o077 == 0, name


def test_a_reader_follows_the_rotation_from_any_place(tmp_path: Path) -> None:
    """Readers that began anywhere, read beside writer and rotation, and never see a byte of a hole."""
    paths = attempt(tmp_path)
    rotator, whole = Rotator(paths, Reports(), SMALL), numbered(0, 60_000)
    places = [0, 1, 65_535, 65_536, 300_001]
    got = {place: bytearray() for place in places}
    with writer(paths, 60_000, pause_every=200) as process:
        while os.stat(paths.log("out")).st_size < 400_000:
            rotator.step()
        readers = {place: reader(paths) for place in places}
        ended = False
        while not ended:
            ended = process.poll() is not None
            rotator.step()
            for place, opened in readers.items():
                while (piece := opened.read(place + len(got[place]), 50_000)) is not None:
                    assert not isinstance(piece, Loss)
                    got[place] += piece.data
    for place in places:
        assert bytes(got[place]) == whole[place:], place
        readers[place].close()
    rotator.close()


_STEPS = ("open", "write", "pread", "fsync", "rename", "unlink", "fchmod", "ftruncate", "close")


def _rotate_and_die(folder: Path, kill_at: int, after: bool) -> None:
    """Rotates; at the n-th call of the kernel, before or after it happens, the process is killed."""
    calls = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            mine = calls == kill_at
            if mine and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return real(*arguments, **options)
            finally:
                if mine:
                    os.kill(os.getpid(), signal.SIGKILL)

        return call

    from workers.supervisor import live_log

    for name in _STEPS:
        setattr(os, name, counted(getattr(os, name)))
    live_log.punch = counted(live_log.punch)
    rotator = Rotator(attempt(folder), Reports(), SMALL)
    settle(rotator)
    rotator.close()
    os._exit(0)


def _killed_at(folder: Path, step: int, after: bool) -> bool:
    """False once the rotation has fewer steps."""
    pid = os.fork()
    if pid == 0:
        try:
            _rotate_and_die(folder, step, after)
        finally:
            os._exit(1)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_killed_at_any_step_nothing_is_lost_or_doubled(
    tmp_path: Path, after: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step once: the rotation is killed there, read, gone on with by another, and read again."""
    content = numbered(0, 5_000)  # three segments and a live rest
    tried = converged = 0
    while True:
        folder = tmp_path / f"{tried}"
        paths = attempt(folder)
        append(paths.log("out"), content)
        killed = _killed_at(folder, tried + 1, after)
        if not killed:
            break
        tried += 1
        between = read_all(paths)
        settle(another := Rotator(paths, Reports(), SMALL))
        another.close()
        live = os.stat(paths.log("out"))
        whole = between == read_all(paths) == (content, [])
        tidy = not [name for name in os.listdir(folder) if name.endswith(".tmp")]
        converged += whole and tidy and live.st_blocks * 512 < live.st_size
        assert converged == tried, (tried, os.listdir(folder))
    with capsys.disabled():
        print(
            f"\nrotation killed {'after' if after else 'before'}: {tried} steps tried, {converged} converged"
        )
    assert tried > 40


def test_a_rotation_killed_under_its_writer_goes_on(tmp_path: Path) -> None:
    paths = attempt(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import time\n"
        "from workers.supervisor.log_room import Limits\n"
        "from workers.supervisor.paths import AttemptPaths\n"
        "from workers.supervisor.rotation import Rotator\n"
        f"rotator = Rotator(AttemptPaths({str(tmp_path)!r}), lambda kind, **fields: None, Limits{tuple(SMALL)})\n"
        "while True: time.sleep(rotator.step() / 20)\n"
    )
    with writer(paths, 70_000, pause_every=100) as process:
        kills = 0
        while process.poll() is None:
            rotating = subprocess.Popen([sys.executable, "-I", "-S", "-c", code])
            try:
                rotating.wait(0.35)
            except subprocess.TimeoutExpired:
                pass
            rotating.kill()
            rotating.wait()
            kills += 1
    rotator = Rotator(paths, Reports(), SMALL)
    settle(rotator)
    rotator.close()
    assert kills > 1
    assert read_all(paths) == (numbered(0, 70_000), [])
    assert list_segments(paths.folder, "out")


# ---------------------------------------------------------------- where it cannot be


def test_without_holes_nothing_is_rotated_and_the_size_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr("workers.supervisor.hole.punch", refused)
    paths, reports = attempt(tmp_path), Reports()
    rotator = Rotator(paths, reports, SMALL._replace(kept=512 * KIB))
    for _ in range(6):
        append(paths.log("out"), numbered(0, 5_000))
        settle(rotator)
    rotator.close()
    assert read_all(paths)[0] == numbered(0, 5_000) * 6
    assert not list_segments(paths.folder, "out")
    texts = [fields["text"] for fields in reports.of("warning")]
    assert "no hole punching here" in texts[0]
    assert "cannot be rotated here" in texts[1]
    assert len(texts) < 5, "told when it has doubled, not at each look"


@pytest.mark.root
def test_on_a_file_system_without_holes_nothing_is_lost(tmp_path: Path) -> None:
    """ramfs, in a mount namespace of its own."""
    folder = tmp_path / "mount"
    folder.mkdir()
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.logs.world import *\n"
        f"paths, reports = attempt(Path({str(folder)!r}) / 'a'), Reports()\n"
        "append(paths.log('out'), numbered(0, 9000))\n"
        "rotator = Rotator(paths, reports, SMALL); settle(rotator); rotator.close()\n"
        "assert read_all(paths) == (numbered(0, 9000), [])\n"
        "assert 'no hole punching here' in reports.of('warning')[0]['text'], reports.events\n"
    )
    script = f'mount -t ramfs none "{folder}" && exec "{sys.executable}" -c "$1"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", code],
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "unshare failed" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no mount here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr


def test_a_full_disk_drops_the_oldest_part_and_says_how_many_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, reports = attempt(tmp_path), Reports()
    content = numbered(0, 20_000)
    append(paths.log("out"), content)
    rotator = Rotator(paths, reports, SMALL)
    settle(rotator)
    assert len(list_segments(paths.folder, "out")) > 4
    content += numbered(20_000, 25_000)
    append(paths.log("out"), numbered(20_000, 25_000))
    real, full = stream_rotation.SegmentWriter.copy, [True, True]

    def copy(self: Any, live: int) -> bool:
        if full:
            full.pop()
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, live)

    monkeypatch.setattr(stream_rotation.SegmentWriter, "copy", copy)
    settle(rotator)
    rotator.close()
    gaps = reports.of("gap")
    dropped = sum(gap["end"] - gap["start"] for gap in gaps)
    assert len(gaps) == 2
    assert all(gap["stream"] == "out" and "room" in gap["why"] for gap in gaps)
    found, losses = read_all(paths)
    assert found == content[dropped:]
    assert [(loss.kind, loss.start, loss.bytes) for loss in losses] == [("gap", 0, dropped)]


def test_what_is_kept_stays_within_its_limit(tmp_path: Path) -> None:
    paths, reports = attempt(tmp_path), Reports()
    content = os.urandom(3 * KIB * KIB)  # does not shrink
    append(paths.log("out"), content)
    rotator = Rotator(paths, reports, SMALL._replace(kept=512 * KIB))
    settle(rotator)
    rotator.close()
    kept = sum(os.stat(tmp_path / s.name).st_size for s in list_segments(paths.folder, "out"))
    assert kept < 700 * KIB
    found, losses = read_all(paths)
    assert losses[0].bytes + len(found) == len(content)
    assert content.endswith(found)
    assert sum(gap["end"] - gap["start"] for gap in reports.of("gap")) == losses[0].bytes


# ---------------------------------------------------------------- what others do to the file


@pytest.mark.parametrize("rotated", [False, True])
def test_a_cut_by_somebody_else_is_a_gap_with_its_bytes_and_doubles_nothing(
    tmp_path: Path, rotated: bool
) -> None:
    """Emptied, and grown past the old end before anybody looked."""
    paths, reports = attempt(tmp_path), Reports()
    before, after = numbered(0, 4_000), numbered(50_000, 70_000)
    append(paths.log("out"), before)
    rotator = Rotator(paths, reports, SMALL if rotated else SMALL._replace(live=1 << 30))
    settle(rotator)
    sealed = sum(s.end - s.start for s in list_segments(paths.folder, "out"))
    open_before = reader(paths)
    early = bytearray()
    while (piece := open_before.read(len(early), 64 * KIB)) is not None:
        early += piece.data
    os.truncate(paths.log("out"), 0)
    append(paths.log("out"), after)
    settle(rotator)
    gap = reports.of("gap")
    assert [(g["start"], g["end"]) for g in gap] == [(sealed, len(before))]
    assert "truncated by somebody else" in gap[0]["why"]
    found, losses = read_all(paths)
    assert found == before[:sealed] + after
    assert [(loss.kind, loss.bytes) for loss in losses] == [("truncated", len(before) - sealed)]
    loss = open_before.read(len(early), 64 * KIB)
    assert isinstance(loss, Loss)
    assert loss.bytes == 0, "who had read all has lost nothing"
    late, offset = bytearray(), loss.end
    while (piece := open_before.read(offset, 64 * KIB)) is not None:
        late += piece.data
        offset = piece.end
    assert bytes(early + late) == before + after
    rotator.close()


def test_a_cut_is_remembered_by_who_rotates_next(tmp_path: Path) -> None:
    paths = attempt(tmp_path)
    append(paths.log("out"), numbered(0, 4_000))
    settle(first := Rotator(paths, Reports(), SMALL))
    first.close()
    os.truncate(paths.log("out"), 0)
    append(paths.log("out"), b"after the cut\n")
    reports = Reports()
    settle(second := Rotator(paths, reports, SMALL))
    second.close()
    assert len(reports.of("gap")) == 1
    append(paths.log("out"), numbered(1, 4_000))
    again = Reports()
    settle(third := Rotator(paths, again, SMALL))
    third.close()
    assert not again.events
    assert read_all(paths)[0].endswith(b"after the cut\n" + numbered(1, 4_000))


def test_a_log_deleted_under_its_worker_is_kept_all_the_same(tmp_path: Path) -> None:
    paths = attempt(tmp_path)
    rotator = Rotator(paths, Reports(), SMALL)
    with open(paths.log("out"), "ab", buffering=0) as worker:
        worker.write(b"before\n")
        rotator.step()
        os.unlink(paths.log("out"))
        worker.write(b"after\n")
        rotator.step()
        rotator.close()
    assert read_all(paths) == (b"before\nafter\n", [])


# ---------------------------------------------------------------- the index, and rest


def test_each_byte_has_the_time_at_which_it_was_written(tmp_path: Path) -> None:
    paths = attempt(tmp_path)
    rotator = Rotator(paths, Reports(), SMALL)
    append(paths.log("out"), b"first\n")
    rotator.step()
    os.utime(paths.log("out"))
    append(paths.log("out"), b"second\n")
    rotator.step()
    rotator.close()
    found = reader(paths)
    first, second = os.stat(paths.log("out")).st_mtime - 60, os.stat(paths.log("out")).st_mtime + 1
    assert first < found.clock(0) <= found.clock(6) < second
    assert found.clock(13) == 0.0, "nothing is known of what was not written yet"
    found.close()


@pytest.mark.parametrize("damage", [b"", b"\x00" * 7, b"garbage" * 50])
def test_a_damaged_index_costs_times_and_nothing_else(tmp_path: Path, damage: bytes) -> None:
    paths = attempt(tmp_path)
    append(paths.log("out"), numbered(0, 9_000))
    settle(first := Rotator(paths, Reports(), SMALL))
    first.close()
    append(paths.index, damage)
    append(paths.log("out"), numbered(9_000, 9_010))
    reports = Reports()
    settle(second := Rotator(paths, reports, SMALL))
    second.close()
    assert read_all(paths) == (numbered(0, 9_010), [])
    assert not reports.events


def test_an_index_of_weeks_stays_small_and_in_order(tmp_path: Path) -> None:
    path = str(tmp_path / "index")
    index = IndexWriter(path)
    marks = 3 * LIMIT_BYTES // RECORD.size
    for number in range(marks):
        index.mark("out", Mark(number * 10, 1000.0 + number, float(number)))
    index.close()
    assert os.stat(path).st_size <= LIMIT_BYTES
    found = LogIndex(path)
    found.refresh()
    stream = found.streams["out"]
    assert stream.ends == sorted(stream.ends)
    assert stream.end == (marks - 1) * 10
    newest = stream.at((marks - 2) * 10)
    assert newest is not None
    assert newest.wall == 1000.0 + marks - 1, "what is new keeps its exact time"


def test_at_rest_it_asks_for_nothing(tmp_path: Path) -> None:
    paths = attempt(tmp_path)
    append(paths.log("out"), b"one line\n")
    rotator = Rotator(paths, Reports(), SMALL)
    pauses = [rotator.step() for _ in range(8)]
    assert pauses[0] < 0.5
    assert pauses[-1] == RESTING_S
    append(paths.log("out"), b"another\n")
    assert rotator.step() < 0.5
    rotator.close()
