"""Tails as an agent serves them: in order, by time, over attempts, under credit, and never in the way."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.logs.world import (
    KIB,
    SMALL,
    LogAgent,
    Reports,
    append,
    begin_attempt,
    bytes_of,
    end_run,
    ended,
    make_run,
    notes_of,
    numbered,
    settle,
)
from workers.protocol import (
    ERR,
    OUT,
    CloseTail,
    Configure,
    Failure,
    FindErrors,
    Heartbeat,
    Hello,
    LogChunk,
    LogErrors,
    LogMatches,
    LogPosition,
    OpenTail,
    Sample,
    SearchLog,
    TailCredit,
)
from workers.supervisor.rotation import Rotator
from workers.supervisor.run import Run

MIB = 1024 * 1024


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


@pytest.fixture
def agent(tmp_path: Path, run: Run) -> Iterator[LogAgent]:
    with LogAgent(tmp_path) as started:
        started.receive(Hello)
        yield started


def log(run: Run, stream: str = "out", number: int = 1) -> str:
    return run.paths.attempt(number).log(stream)


def rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


# ---------------------------------------------------------------- runs


def test_a_line_comes_while_it_is_followed(agent: LogAgent, run: Run) -> None:
    append(log(run), b"old\n")
    agent.send(OpenTail(run.run_id), 3)
    assert bytes_of(agent.until(3, bytes_of)) == b"old\n"
    append(log(run), b"new\n")
    append(log(run, "err"), b"bad\n")
    found = agent.until(3, lambda items: len(bytes_of(items)) == 8)
    assert (bytes_of(found, OUT), bytes_of(found, ERR)) == (b"new\n", b"bad\n")
    agent.send(CloseTail(), 3)
    assert ended(agent.to_the_end(3)).reason == "closed"


def test_out_and_err_come_in_the_order_in_which_they_were_written(
    agent: LogAgent, run: Run
) -> None:
    rotator = Rotator(run.paths.attempt(1), Reports(), SMALL)
    for number in range(6):
        stream = "err" if number % 2 else "out"
        append(log(run, stream), b"%d\n" % number)
        os.utime(log(run, stream), (1.0, time.time() - 1.0 + number / 10))
        rotator.step()
    rotator.close()
    agent.send(OpenTail(run.run_id, follow=False), 3)
    found = agent.to_the_end(3)
    assert bytes_of(found) == b"0\n1\n2\n3\n4\n5\n"
    clocks = [chunk.clock for chunk in found if isinstance(chunk, LogChunk)]
    assert clocks == sorted(clocks)
    assert time.time() - 60 < clocks[0] < time.time()


def test_it_goes_on_with_the_next_attempt_and_ends_with_the_run(agent: LogAgent, run: Run) -> None:
    append(log(run), b"first\n")
    agent.send(OpenTail(run.run_id), 3)
    agent.until(3, bytes_of)
    run.append("exited", attempt=1, code=1)
    begin_attempt(run, 2)
    append(log(run, "out", 2), b"second\n")
    found = agent.until(3, bytes_of)
    assert bytes_of(found) == b"second\n"
    assert [note.attempt for note in notes_of(found, "attempt")] == [2]
    append(log(run, "out", 2), b"last words\n")
    end_run(run)
    found = agent.to_the_end(3)
    assert (bytes_of(found), ended(found).reason) == (b"last words\n", "over")
    agent.send(OpenTail(run.run_id, back_bytes=-1), 4)
    assert bytes_of(agent.to_the_end(4)) == b"first\nsecond\nlast words\n"
    agent.send(OpenTail(run.run_id, back_bytes=-1, attempt=1), 5)
    assert bytes_of(agent.to_the_end(5)) == b"first\n"


def test_it_begins_with_the_last_lines_of_what_may_be_sealed(agent: LogAgent, run: Run) -> None:
    append(log(run), numbered(0, 20_000))
    settle(rotator := Rotator(run.paths.attempt(1), Reports(), SMALL))
    rotator.close()
    agent.send(OpenTail(run.run_id, follow=False, back_bytes=200 * KIB), 3)
    found = bytes_of(agent.to_the_end(3))
    assert numbered(0, 20_000).endswith(found)
    assert found.startswith(b"line ")
    assert 199 * KIB < len(found) <= 200 * KIB


def test_who_comes_back_goes_on_at_the_very_byte_also_in_sealed_parts(
    agent: LogAgent, run: Run
) -> None:
    content = numbered(0, 20_000)
    append(log(run), content)
    settle(rotator := Rotator(run.paths.attempt(1), Reports(), SMALL))
    rotator.close()
    for offset in (0, 12_345, 70_001, len(content)):
        place = LogPosition(1, OUT, offset)
        agent.send(OpenTail(run.run_id, streams="out", follow=False, positions=(place,)), 3)
        assert bytes_of(agent.to_the_end(3)) == content[offset:]


def test_what_was_dropped_is_told_with_its_bytes(agent: LogAgent, run: Run) -> None:
    append(log(run), numbered(0, 20_000))
    limits = SMALL._replace(kept=8 * KIB)
    settle(rotator := Rotator(run.paths.attempt(1), Reports(), limits))
    rotator.close()
    agent.send(OpenTail(run.run_id, follow=False, back_bytes=-1), 3)
    found = agent.to_the_end(3)
    gaps = notes_of(found, "gap")
    assert len(gaps) == 1
    assert numbered(0, 20_000)[gaps[0].bytes :] == bytes_of(found)


def test_a_run_that_has_not_started_is_waited_for(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    os.rename(run.paths.attempt(1).folder, tmp_path / "away")
    with LogAgent(tmp_path) as agent:
        agent.send(OpenTail(run.run_id), 3)
        assert agent.next_of(3).kind == "waiting"
        os.rename(tmp_path / "away", run.paths.attempt(1).folder)
        append(log(run), b"here\n")
        assert bytes_of(agent.until(3, bytes_of)) == b"here\n"


@pytest.mark.parametrize("run_id", ["0b" * 16, "../../../etc", "", "x" * 500])
def test_a_run_that_is_none_is_refused_in_words(agent: LogAgent, run_id: str) -> None:
    agent.send(OpenTail(run_id), 3)
    end = ended(agent.to_the_end(3))
    assert end.reason == "failed"
    assert "no such run" in end.text


def test_a_run_directory_that_vanishes_is_no_end_of_the_run(agent: LogAgent, run: Run) -> None:
    append(log(run), b"a line\n")
    agent.send(OpenTail(run.run_id), 3)
    agent.until(3, bytes_of)
    shutil.rmtree(run.paths.folder)
    end = ended(agent.to_the_end(3))
    assert end.reason == "failed"
    assert run.paths.folder in end.text


def test_the_oldest_python_follows_searches_and_filters_too(tmp_path: Path, run: Run) -> None:
    python = next((Path.home() / ".pyenv/versions").glob("3.9.*/bin/python"), None)
    found = str(python) if python else shutil.which("python3.9")
    if found is None:
        pytest.skip("no Python 3.9 was found")
    append(log(run), numbered(0, 3_000))
    settle(rotator := Rotator(run.paths.attempt(1), Reports(), SMALL))
    rotator.close()
    append(log(run, "err"), b"ValueError: no\n")
    with LogAgent(tmp_path, python=found) as agent:
        agent.send(OpenTail(run.run_id, streams="out", follow=False, back_bytes=-1), 3)
        assert bytes_of(agent.to_the_end(3)) == numbered(0, 3_000)
        agent.send(SearchLog("000002999", run.run_id), 4)
        assert len(agent.receive(LogMatches, 4).matches) == 1
        agent.send(FindErrors(run.run_id), 5)
        assert [group.kind for group in agent.receive(LogErrors, 5).groups] == ["error"]
        agent.send(OpenTail(run.run_id, follow=False, back_bytes=-1, filter="000002999"), 6)
        assert bytes_of(agent.to_the_end(6)) == numbered(2_999, 3_000)


# ---------------------------------------------------------------- files


def test_a_file_is_found_from_the_root(agent: LogAgent, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.log").write_bytes(b"a line\n")
    agent.send(Configure(root=str(tmp_path)))
    for stream, path in enumerate(("sub/a.log", str(tmp_path / "sub" / "a.log")), 3):
        agent.send(OpenTail(path=path, follow=False), stream)
        assert bytes_of(agent.to_the_end(stream)) == b"a line\n"
    (tmp_path / "pipe").symlink_to("/etc/passwd")
    for stream, path in enumerate(("pipe", "nothing", "sub"), 5):
        agent.send(OpenTail(path=path, follow=False), stream)
        end = ended(agent.to_the_end(stream))
        assert end.reason == "failed"
        assert path in end.text


# ---------------------------------------------------------------- never in the way


def test_nobody_gets_more_than_was_granted(tmp_path: Path, run: Run) -> None:
    """A reader that pauses: the node keeps the rest, and everything else goes on."""
    append(log(run), numbered(0, 400_000))
    with LogAgent(tmp_path, credit=False) as agent:
        agent.receive(Sample)
        before = rss_bytes(agent.pid)
        for stream in range(1, 9):
            agent.send(OpenTail(run.run_id, back_bytes=-1, window_bytes=64 * KIB), stream)
        for _ in range(2):
            agent.receive(Heartbeat)
        agent.receive(Sample)
        assert 0 < agent.log_bytes <= 8 * 64 * KIB
        assert rss_bytes(agent.pid) - before < 12 * MIB
        agent.credit = True
        agent.send(TailCredit(64 * KIB), 1)
        agent.until(1, lambda items: len(bytes_of(items)) > 500 * KIB)


def test_heartbeats_and_samples_go_on_in_a_flood(tmp_path: Path, run: Run) -> None:
    """Several tails at full speed: what is said each second comes each second."""
    append(log(run), numbered(0, 1_000_000))
    with LogAgent(tmp_path) as agent:
        agent.receive(Hello)
        for stream in range(1, 5):
            agent.send(OpenTail(run.run_id, back_bytes=-1), stream)
        beats, samples = [], 0
        while len(beats) < 4 and agent.log_bytes < 150 * MIB:
            agent._read(0.5)
            for number, item in agent.inbox:
                if number == 0:
                    beats += [time.monotonic()] * isinstance(item, Heartbeat)
                    samples += isinstance(item, Sample)
            agent.inbox.clear()
        assert agent.log_bytes > 20 * MIB
        assert samples
        gaps = [later - earlier for earlier, later in pairwise(beats)]
        assert all(gap < 3.0 for gap in gaps), "no heartbeat was missed"


def test_thirty_two_logs_are_followed_and_one_more_is_refused(agent: LogAgent, run: Run) -> None:
    for stream in range(1, 34):
        agent.send(OpenTail(run.run_id), stream)
    refusal = agent.receive(Failure, 33)
    assert refusal.code == "busy"
    assert "32 logs" in refusal.text
    append(log(run), b"for all\n")
    for stream in range(1, 33):
        assert bytes_of(agent.until(stream, bytes_of)) == b"for all\n"
    agent.send(CloseTail(), 7)
    agent.to_the_end(7)
    agent.send(OpenTail(run.run_id), 40)
    assert bytes_of(agent.until(40, bytes_of)) == b"for all\n"


def test_odd_asks_do_no_harm(agent: LogAgent, run: Run) -> None:
    append(log(run), b"a line\n")
    agent.send(TailCredit(-5), 9)
    agent.send(CloseTail(), 9)
    agent.send(OpenTail(run.run_id, follow=False, window_bytes=-1, back_bytes=-77), 10)
    assert bytes_of(agent.to_the_end(10)) == b"a line\n"
    far = LogPosition(1, OUT, 2**60)
    agent.send(OpenTail(run.run_id, follow=False, positions=(far,)), 11)
    assert ended(agent.to_the_end(11)).reason in ("end", "failed")
    agent.send(OpenTail(run.run_id, streams="sideways", attempt=99, follow=False), 12)
    assert ended(agent.to_the_end(12)).reason in ("end", "failed")
    agent.send(OpenTail(run.run_id), 13)
    agent.send(TailCredit(2**62), 13)
    agent.send(TailCredit(-(2**62)), 13)
    assert bytes_of(agent.until(13, bytes_of)) == b"a line\n"
