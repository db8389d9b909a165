"""What the report says of runs: true, bounded, believing nothing a worker writes, whatever the clock does."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.agent_workers.node import Asker, Node, script, sleeper, spec, until
from workers.agent.processes import ProcessReader
from workers.agent.workers import reporting
from workers.agent.workers.age import FileAge
from workers.agent.workers.describing import series
from workers.agent.workers.event_words import in_words
from workers.agent.workers.log_facts import LogFacts
from workers.agent.workers.progress import StatusFile, look, progress_of
from workers.agent.workers.record import Clocks, as_of, passing, record_of
from workers.agent.workers.trees import Forest
from workers.agent.workers.watched import compact
from workers.protocol import (
    AGENT_MESSAGES,
    DescribeWorker,
    FrameDecoder,
    Progress,
    WatchWorkers,
    WorkerRecord,
    WorkerReport,
    decode_message,
)
from workers.supervisor.condition import Condition
from workers.supervisor.desired import Desired
from workers.supervisor.paths import AttemptPaths

SPEC = spec("w", "sleep", "600")
CLOCKS = Clocks(2_000_000.0, 500.0, "boot")
RUNNING = Condition(
    state="running", attempt=1, pid=7, ticks=9, attempt_started=400.0, attempt_boot_id="boot"
)


# ---------------------------------------------------------------- records


def test_durations_follow_the_clock_since_boot_and_never_the_wall() -> None:
    for wall in (2_000_000.0, 2_003_600.0, 1_996_400.0, 0.0):
        assert passing(RUNNING, CLOCKS._replace(wall=wall)).running_s == 100.0
    waiting = Condition(state="backoff", restart_at=530.0)
    assert passing(waiting, CLOCKS).restart_in_s == 30.0
    assert passing(waiting, CLOCKS._replace(boottime=900.0)).restart_in_s == 0.0


def test_nothing_of_an_earlier_boot_is_shown_as_running() -> None:
    found = as_of(RUNNING, "another boot")
    assert (found.state, found.lost_reason, found.pid) == ("lost", "reboot", None)
    assert as_of(RUNNING, "boot") is RUNNING


def test_an_endless_command_line_is_cut() -> None:
    record = record_of(SPEC._replace(command=("x" * 10_000,) * 50), RUNNING, Desired(), "boot")
    assert sum(map(len, record.command)) < 5000


def test_an_age_is_the_same_however_the_wall_clock_jumps() -> None:
    age = FileAge().looked(1, 990.0, 1000.0, 50.0, None)
    assert age.age_s(50.0) == 10.0
    assert age.looked(1, 990.0, 9_000_000.0, 60.0, 10.0).age_s(60.0) == 20.0
    changed = age.looked(2, 999_999_999.0, 1000.0, 70.0, 10.0)
    assert changed.age_s(70.0) == 0.0  # written in the future
    changed = age.looked(2, 1.0, 1_000_000.0, 70.0, 10.0)
    assert changed.age_s(70.0) == 10.0  # no longer ago than the look before


# ---------------------------------------------------------------- a worker's own words


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"done": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_status_that_is_none_is_a_warning_and_no_crash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "status.json"
    path.write_bytes(content)
    found = look(str(path), StatusFile(), 0.0, 0.0, None)
    if found.progress is not None:
        assert found.progress.done is None
    else:
        assert found.fault.startswith("status.json: ")


def test_fields_of_wrong_types_are_as_if_absent() -> None:
    text = '{"done": NaN, "total": Infinity, "unit": 5, "phase": ["x"], "rate_per_minute": true, "health": "evil"}'
    assert progress_of(text.encode()) == Progress()
    good = progress_of(b'{"done": 5, "total": 100, "unit": "epoch", "health": "ok", "new": 1}')
    assert (good.done, good.total, good.unit, good.health) == (5.0, 100.0, "epoch", "ok")
    assert len(progress_of(json.dumps({"message": "x" * 60_000}).encode()).message) <= 500


def test_a_status_file_that_is_a_trap_is_not_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"message": "of another"}')
    path = tmp_path / "status.json"
    path.symlink_to(secret)
    assert look(str(path), StatusFile(), 0.0, 0.0, None).progress is None
    path.unlink()
    os.mkfifo(path)
    assert look(str(path), StatusFile(), 0.0, 0.0, None).progress is None
    path.unlink()
    path.write_text("{" + " " * 300_000 + "}")
    assert look(str(path), StatusFile(), 0.0, 0.0, None).progress is None


def test_a_broken_word_keeps_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.write_text('{"done": 5}')
    first = look(str(path), StatusFile(), 0.0, 0.0, None)
    (tmp_path / "next").write_text("{")
    os.replace(tmp_path / "next", path)
    second = look(str(path), first, 0.0, 1.0, 1.0)
    assert second.progress is not None
    assert second.progress.done == 5.0
    assert second.fault


def test_progress_is_read_from_the_log_by_its_pattern_from_new_bytes_only(tmp_path: Path) -> None:
    log = tmp_path / "out.log"
    log.write_bytes(b"epoch 1/10\n")
    facts = LogFacts(AttemptPaths(str(tmp_path)), r"epoch (?P<done>[\d,]+)/(?P<total>\d+)", "epoch")
    facts.look(1.0, 1.0, None)
    found = facts.progress(1.0)
    assert found is not None
    assert (found.done, found.total, found.unit, found.source) == (1.0, 10.0, "epoch", "log")
    with open(log, "ab") as file:
        file.write(b"noise\repoch 1,002/9999 |###\r")
    facts.look(2.0, 2.0, 1.0)
    found = facts.progress(3.0)
    assert found is not None
    assert (found.done, found.total, found.age_s) == (1002.0, 9999.0, 1.0)
    assert facts.last_line == "epoch 1,002/9999 |###"


def test_a_pattern_that_is_none_or_takes_for_ever_is_given_up_with_a_warning(
    tmp_path: Path,
) -> None:
    paths = AttemptPaths(str(tmp_path))
    assert "no regular expression" in LogFacts(paths, "(", "").warning
    assert "no group named done" in LogFacts(paths, "x", "").warning
    facts = LogFacts(paths, r"^(a|a)*(?P<done>b)$", "")
    (tmp_path / "out.log").write_bytes((b"a" * 22 + b"\n") * 40)
    facts.look(1.0, 1.0, None)
    assert "too long" in facts.warning


def test_a_huge_log_costs_one_small_read(tmp_path: Path) -> None:
    with open(tmp_path / "out.log", "wb") as file:
        file.truncate(20 * 1024**3)
        file.seek(0, os.SEEK_END)
        file.write(b"the end\n")
    facts = LogFacts(AttemptPaths(str(tmp_path)), r"(?P<done>\d+)", "")
    facts.look(1.0, 1.0, None)
    assert facts.bytes == 20 * 1024**3 + 8
    assert facts.last_line.endswith("the end")


def test_metrics_of_a_hostile_file_are_bounded_and_finite(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [json.dumps({"step": n, "name": "loss", "value": 1.0 / (n + 1)}) for n in range(500)]
    odd = ['{"step": 1, "name": "loss", "value": NaN}', "[]", "{", '{"name": 5}', "\x00" * 50]
    many = [json.dumps({"step": 1, "name": f"m{n}", "value": 1}) for n in range(1000)]
    path.write_text("\n".join([*lines, *odd, *many, '{"step": 2, "na']))
    found = {each.name: each for each in series(str(path), 120)}
    assert len(found) == 100
    assert found["loss"].steps == tuple(map(float, range(380, 500)))
    assert series(str(tmp_path / "gone"), 5) == ()


def test_every_event_has_words_even_odd_ones() -> None:
    events = (
        {"kind": "exited", "code": None, "signal": 9, "oom": True, "seq": 4, "wall": 5.0},
        {"kind": "exited", "code": 75},
        {"kind": "gap"},
        {"kind": "from_the_future"},
        {},
    )
    texts = [event.text for event in in_words(events)]
    assert texts[0] == "ended by SIGKILL, out of memory"
    assert "run me again" in texts[1]
    assert texts[2] == "gap (not readable)"
    assert texts[3] == "from the future"


# ---------------------------------------------------------------- trees and frames


def test_figures_that_cannot_be_had_are_absent_and_not_zero() -> None:
    forest = Forest({}, {})
    assert not forest.holds(1, 1)
    assert forest.tree([]).memory_bytes is None
    record = record_of(SPEC, RUNNING, Desired(), "boot")
    assert (record.processes, record.cpu_percent, record.gpu_memory_bytes) == (None, None, None)


def test_a_number_that_passed_on_is_not_taken_for_the_worker() -> None:
    reader = ProcessReader()
    reader.sweep()
    forest = Forest(reader.readings, {})
    own = reader.start_ticks(os.getpid()) or 0
    assert forest.holds(os.getpid(), own)
    assert not forest.holds(os.getpid(), own + 1)
    assert os.getpid() in forest.descendants([os.getppid()])


def test_a_report_leaves_out_what_has_its_default_and_reads_back_the_same() -> None:
    record = WorkerRecord(
        "a" * 32, "w\udcff\n", "running", progress=Progress(done=1.0), tags=("x",)
    )
    row = json.dumps(compact(record._replace(progress=None)))
    row = row[:-1] + f',"progress":{json.dumps(compact(Progress(done=1.0)))}}}'
    frame = reporting.encode(5.0, [row])
    [read] = FrameDecoder().feed(frame)
    assert decode_message(read.payload, AGENT_MESSAGES) == WorkerReport(5.0, (record,), None)
    assert len(frame) < 400


def test_a_report_never_exceeds_its_size() -> None:
    frame = reporting.encode(5.0, [json.dumps({"x": "y" * 4000})] * 2000)
    assert len(frame) < reporting.LIMIT_BYTES + 10_000


def test_the_console_says_how_many_ended_runs_it_wants(node: Node, console: Asker) -> None:
    alive = sleeper()
    console.start(alive)
    for number in range(3):
        console.start(spec(f"over-{number}", "true"))
    until(lambda: len(console.report().workers) == 4)
    console.agent.send(WatchWorkers(1))
    report = until(lambda: (r := console.report()) and len(r.workers) == 2 and r)
    assert [each.name for each in report.workers] == ["over-2", "sleeper"]


def test_a_worker_that_reports_is_shown_with_its_own_words(node: Node, console: Asker) -> None:
    root = Path(__file__).parents[2]
    text = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from workers.contract import Reporter\nimport time\n"
        "r = Reporter()\nr.status(phase='train', done=5, total=100, unit='epoch')\n"
        "r.metric('loss', 0.5, 1); r.metric('loss', 0.25, 2)\ntime.sleep(600)\n"
    )
    wanted = spec("reports", sys.executable, "-c", text, str(root))
    console.start(wanted)
    record = console.record(wanted.run_id, lambda r: r.progress is not None)
    progress = record.progress
    assert progress is not None
    assert (progress.phase, progress.done, progress.total) == ("train", 5.0, 100.0)
    details = console.ask(DescribeWorker(wanted.run_id))
    assert details.metrics[0].values == (0.5, 0.25)
    assert details.directory == str(node.folder / "runs" / wanted.run_id)
    assert any(event.text.startswith("runs as process") for event in details.events)
    assert str(record.pid) in details.processes[0]


def test_an_exit_is_shown_with_its_code_or_signal(console: Asker) -> None:
    failed, killed = script("failed", "exit 42"), script("killed", "kill -9 $$")
    console.start(failed)
    console.start(killed)
    assert console.record(failed.run_id, lambda r: r.exit_code == 42).state == "exited"
    record = console.record(killed.run_id, lambda r: r.signal == 9)
    assert (record.state, record.exit_code) == ("exited", None)


def test_how_far_each_part_is_comes_from_the_status_and_nothing_of_it_is_believed_unchecked() -> (
    None
):
    part = {
        "name": "gpu-1",
        "state": "running",
        "done": 3,
        "total": 10,
        "bytes": 4e9,
        "eta_s": "soon",
    }
    status = {"extra": {"parts": [part, {"state": "no name"}, "no object", {"name": 7}]}}
    (found,) = progress_of(json.dumps(status).encode()).parts
    assert (found.name, found.state, found.done, found.total, found.bytes) == (
        "gpu-1",
        "running",
        3,
        10,
        4e9,
    )
    assert found.eta_s is None
    assert progress_of(b'{"extra": {"parts": {"name": "gpu-1"}}}').parts == ()
    many = {"extra": {"parts": [{"name": f"n{i}"} for i in range(2000)]}}
    assert len(progress_of(json.dumps(many).encode()).parts) <= 500
