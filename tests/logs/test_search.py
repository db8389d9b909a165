"""Search, filter and faults on the node: over the whole log, and never at the agent's cost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.logs.world import (
    SMALL,
    LogAgent,
    Reports,
    append,
    begin_attempt,
    bytes_of,
    ended,
    make_run,
    numbered,
    settle,
)
from workers.protocol import (
    ERR,
    OUT,
    Configure,
    Failure,
    FindErrors,
    Heartbeat,
    Hello,
    LogErrors,
    LogMatches,
    OpenTail,
    SearchLog,
)
from workers.supervisor.rotation import Rotator
from workers.supervisor.run import Run

HOSTILE = ("(a+)+$", "(.*a){25}$")
MIB = 1024 * 1024

TRACEBACK = b"""Traceback (most recent call last):
  File "/home/ada/run/train.py", line 31, in step
    loss.backward()
ValueError: batch %d does not fit
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two attempts, the first of which was rotated."""
    run = make_run(tmp_path)
    first = run.paths.attempt(1)
    append(first.log("out"), numbered(0, 20_000))
    append(first.log("err"), b"warning: line 5 is odd\n")
    settle(rotator := Rotator(first, Reports(), SMALL))
    rotator.close()
    second = begin_attempt(run, 2)
    append(second.log("out"), numbered(20_000, 21_000))
    return run


@pytest.fixture
def agent(tmp_path: Path, run: Run) -> Iterator[LogAgent]:
    with LogAgent(tmp_path) as started:
        started.receive(Hello)
        started.send(Configure(root=str(tmp_path)))
        yield started


def search(agent: LogAgent, run: Run, pattern: str, **wanted: Any) -> LogMatches:
    agent.send(SearchLog(pattern, run.run_id, **wanted), 5)
    return agent.receive(LogMatches, 5)


# ---------------------------------------------------------------- search


def test_the_whole_log_is_searched_the_newest_first(agent: LogAgent, run: Run) -> None:
    found = search(agent, run, r"LINE 0000(00005|20500)\b")
    places = [(match.attempt, match.which, match.offset) for match in found.matches]
    size = len(numbered(0, 1))
    assert places == [(2, OUT, 500 * size), (1, OUT, 5 * size)]
    assert found.matches[1].line == "line 000000005 of a worker that never stops"
    assert found.complete
    assert found.searched_bytes > 20_000 * size
    assert search(agent, run, "odd", streams="err").matches[0].which == ERR
    assert not search(agent, run, "odd", streams="out").matches
    assert not search(agent, run, "LINE 000000005", ignore_case=False).matches


@pytest.mark.parametrize("backwards", [True, False])
@pytest.mark.parametrize("pattern", ["0000000", r"line \d+77 "])
def test_a_search_in_many_pieces_finds_each_line_once(
    agent: LogAgent, run: Run, backwards: bool, pattern: str
) -> None:
    asked = {"streams": "out", "backwards": backwards, "limit": 40}
    found = search(agent, run, pattern, **asked)
    places = [(match.attempt, match.offset) for match in found.matches]
    pieces = 1
    while found.next is not None and pieces < 40:
        found = search(agent, run, pattern, start=found.next, **asked)
        places += [(match.attempt, match.offset) for match in found.matches]
        pieces += 1
    assert places == sorted(places, reverse=backwards)
    assert len(set(places)) == len(places)
    whole = search(agent, run, pattern, streams="out", limit=1000)
    if pieces < 40:
        assert sorted(places) == sorted((m.attempt, m.offset) for m in whole.matches)
    assert pieces > 2


def test_a_file_is_searched_too(agent: LogAgent, tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(
        b"one\ntwo \xc3\xa9t\xc3\xa9\n" + b"y" * 3 * MIB + b" three\nfour"
    )
    for pattern, offset in (("^two", 4), ("été", 4), ("four$", 3 * MIB + 21)):
        agent.send(SearchLog(pattern, path="x.log"), 5)
        assert [match.offset for match in agent.receive(LogMatches, 5).matches] == [offset]


@pytest.mark.parametrize("pattern", ["[", "(?P<a", "a{99999999999}", "x" * 5000, "(" * 900])
def test_what_is_no_expression_is_said_so(agent: LogAgent, run: Run, pattern: str) -> None:
    agent.send(SearchLog(pattern, run.run_id), 5)
    assert agent.receive(Failure, 5).code == "bad_request"


@pytest.mark.parametrize("pattern", HOSTILE)
def test_a_hostile_expression_costs_its_budget_and_no_heartbeat(
    agent: LogAgent, run: Run, pattern: str
) -> None:
    append(run.paths.attempt(2).log("out"), b"a" * 60 + b"\n" + b"a" * 60 + b"?\n")
    agent.send(SearchLog(pattern, run.run_id, budget_s=1.0), 5)
    started, beats, answer = time.monotonic(), 0, None
    while answer is None:
        assert time.monotonic() - started < 20
        agent._read(0.2)
        for stream, item in agent.inbox:
            beats += isinstance(item, Heartbeat)
            answer = item if stream == 5 else answer
        agent.inbox.clear()
    assert isinstance(answer, Failure)
    assert "takes too long" in answer.text or "no answer within" in answer.text
    assert beats >= 1
    assert search(agent, run, "line 000020999").matches


# ---------------------------------------------------------------- filter


def test_a_filter_lets_only_matching_lines_through(agent: LogAgent, run: Run) -> None:
    agent.send(OpenTail(run.run_id, "", "out", False, -1, filter=r"line \d+999 "), 3)
    found = agent.to_the_end(3)
    assert ended(found).reason == "end"
    wanted = [n for n in range(21_000) if n % 1000 == 999]
    assert bytes_of(found) == b"".join(numbered(n, n + 1) for n in wanted)
    size = len(numbered(0, 1))
    offsets = [item.offset for item in found if getattr(item, "data", b"")]
    assert offsets == [n % 20_000 * size for n in wanted]


def test_a_filter_follows(agent: LogAgent, run: Run) -> None:
    agent.send(OpenTail(run.run_id, filter="keep"), 3)
    path = run.paths.attempt(2).log("out")
    append(path, b"drop this\nkeep th")
    append(path, b"is\nand keep")
    append(path, b" this too\n")
    found = agent.until(3, lambda items: b"too\n" in bytes_of(items))
    assert bytes_of(found) == b"keep this\nand keep this too\n"


@pytest.mark.parametrize("pattern", ["(a+)+$", "["])
def test_a_hostile_filter_ends_its_own_tail(agent: LogAgent, run: Run, pattern: str) -> None:
    append(run.paths.attempt(2).log("out"), b"a" * 60 + b"?\n")
    agent.send(OpenTail(run.run_id, filter=pattern), 3)
    agent.send(OpenTail(run.run_id), 4)
    agent.until(4, lambda items: b"aaa" in bytes_of(items))
    end = ended(agent.to_the_end(3))
    assert end.reason == "failed"
    words = ("takes too long", "no answer within", "not a regular expression")
    assert any(word in end.text for word in words)


# ---------------------------------------------------------------- faults


def test_faults_are_grouped_counted_and_placed(agent: LogAgent, run: Run) -> None:
    err = run.paths.attempt(2).log("err")
    for number in range(7):
        append(err, b"step %d\n" % number + TRACEBACK % number + b"went on\n")
    append(err, TRACEBACK.replace(b"line 31", b"line 77") % 1)
    append(err, b"torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n")
    append(err, b"node-1:77:88 [0] NCCL WARN Call to connect returned Connection refused\n")
    append(err, b"epoch 3 loss=nan\nepoch 4 loss=nan\nbanana nanometre annan\n")
    append(err, b"2026-01-01 ERROR shard 12 is missing\n")
    agent.send(FindErrors(run.run_id), 5)
    found = agent.receive(LogErrors, 5)
    groups = {(group.kind, group.title): group for group in found.groups}
    assert found.complete
    kinds = sorted(kind for kind, _ in groups)
    assert kinds == ["cuda_oom", "error", "nan", "nccl", "traceback", "traceback"]
    many = next(group for group in found.groups if group.occurrences == 7)
    assert many.title == "ValueError: batch 6 does not fit (train.py:31)"
    assert "loss.backward()" in many.excerpt
    content = Path(err).read_bytes()
    assert content[many.first.offset :].startswith(b"Traceback")
    assert b"batch 0" in content[many.first.offset :][:200]
    assert b"batch 6" in content[many.last.offset :][:200]
    losses = next(group for group in found.groups if group.kind == "nan")
    assert losses.occurrences == 2
    assert found.groups[0].kind == "cuda_oom", "the most serious first"


def test_a_traceback_over_the_edge_of_a_block_counts_once(agent: LogAgent, run: Run) -> None:
    err = run.paths.attempt(2).log("err")
    filler = b"nothing to see here\n" * 210_000
    for shift in (0, 70):
        start = 4 * MIB - shift - Path(err).stat().st_size % (4 * MIB)
        append(err, filler[:start].rpartition(b"\n")[0] + b"\n" + TRACEBACK % shift)
    agent.send(FindErrors(run.run_id, budget_s=20.0), 5)
    found = agent.receive(LogErrors, 5)
    tracebacks = [group for group in found.groups if group.kind == "traceback"]
    assert [group.occurrences for group in tracebacks] == [2]
    assert not [group for group in found.groups if "batch" in group.title and group.kind == "error"]
