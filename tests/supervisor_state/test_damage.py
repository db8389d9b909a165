"""Files that are torn, empty, flipped, garbage or gone: kept aside, rebuilt, never a crash, never hidden."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supervisor_state.runs import RUN_ID, SPEC, finish, runs_in, seen_afresh
from workers.supervisor import exit_record, pid_record, storage
from workers.supervisor.condition import LIVE
from workers.supervisor.exit_record import ExitRecord
from workers.supervisor.paths import RunPaths
from workers.supervisor.pid_record import PidRecord
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

GARBAGE = [
    b"",
    b"\0" * 4096,
    b"{}",
    b"[]",
    b"null",
    b'{"schema":1}',
    b"\xff\xfe\n\x80",
    b"[" * 99_999,
]
FILES = ("spec.json", "desired.json", "events.jsonl")
STATES = LIVE | {"stopped", "exited", "lost"}


def begun(run: Run) -> Run:
    """A run whose first attempt is running, with all its files."""
    paths = run.paths.attempt(1)
    storage.make_folder(paths.folder)
    exit_record.prepare(paths.exit_record)
    run.append("intent", attempt=1)
    pid_record.write(paths.pid, PidRecord(1, 4242, 777, "boot-1", boottime=5.0))
    run.append("started", attempt=1, pid=4242, ticks=777, boot_id="boot-1")
    return run


def look_at_everything(run: Run) -> None:
    """All that an agent asks of a run each second."""
    assert run.spec().run_id == RUN_ID or not run.spec().command
    assert run.condition().state in STATES
    assert run.desired().want in ("running", "stopped", "drained")
    run.events(), run.faults(), run.unreadable, run.newest_attempt()


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda data: repr(data[:8]))
@pytest.mark.parametrize("name", FILES)
def test_garbage_in_one_file_is_kept_aside_and_rebuilt(run: Run, name: str, garbage: bytes) -> None:
    begun(run)
    path = Path(run.paths.folder) / name
    path.write_bytes(garbage)
    found = seen_afresh(run)
    look_at_everything(found)
    assert found.faults()
    assert found.spec() == SPEC
    assert found.unreadable is None
    lock = found.take()
    assert lock is not None
    found.heal()
    os.close(lock)
    healed = seen_afresh(run)
    assert healed.faults() == ()
    assert healed.spec() == SPEC
    assert healed.desired().want == "running"
    now = healed.condition()
    assert (now.state, now.attempt, now.pid, now.ticks) == ("running", 1, 4242, 777)
    assert any(name in warning for warning in now.warnings)
    copies = list(Path(run.paths.folder).glob(f"{name}.damaged-*"))
    # Nothing of an empty or half history is worth a copy but its damaged lines.
    assert name == "events.jsonl" or [copy.read_bytes() for copy in copies] == [garbage]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_rebuilt(run: Run, name: str) -> None:
    begun(run)
    (Path(run.paths.folder) / name).unlink()
    found = seen_afresh(run)
    look_at_everything(found)
    assert any(name in fault for fault in found.faults())
    found.heal()
    assert seen_afresh(run).faults() == ()
    assert seen_afresh(run).condition().pid == 4242


def test_a_run_of_which_nothing_can_be_read_is_still_listed(runs: Runs, run: Run) -> None:
    for name in FILES:
        (Path(run.paths.folder) / name).write_bytes(b"garbage\n")
    (found,) = runs_in(Path(runs.node_folder).parent.parent).all()
    assert found.run_id == RUN_ID
    assert found.spec().command == ()
    assert found.unreadable is not None
    assert "spec.json" in found.unreadable
    found.heal()
    assert found.unreadable is not None
    assert "spec.json" in found.unreadable


def test_an_empty_folder_is_listed_as_unreadable(runs: Runs, run: Run) -> None:
    shutil.rmtree(run.paths.folder)
    os.mkdir(run.paths.folder)
    (found,) = runs.all()
    look_at_everything(found)
    assert found.unreadable is not None
    assert runs.forget(found) == ()
    assert runs.all() == []


def test_one_damaged_record_costs_only_itself(run: Run) -> None:
    begun(run)
    run.append("exited", attempt=1, code=3)
    path = Path(run.paths.events)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"intent"', b'"intend"')
    path.write_bytes(b"".join(lines))
    found = seen_afresh(run)
    assert (found.condition().state, found.condition().exit_code) == ("exited", 3)
    assert found.faults() == ("events.jsonl: 1 damaged records are skipped",)
    found.heal()
    (copy,) = Path(run.paths.folder).glob("events.jsonl.damaged-*")
    assert copy.read_bytes() == b"".join(lines)
    healed = seen_afresh(run)
    assert healed.faults() == ()
    assert healed.condition().exit_code == 3
    # A gap in the numbers tells for ever that something was there.
    assert [event["seq"] for event in healed.events()] == [1, 3, 4, 5]


def test_a_torn_tail_is_dropped_by_the_next_record(run: Run) -> None:
    watching = seen_afresh(run)
    path = Path(run.paths.events)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"seq":2,"kind":"inte')
    assert watching.condition().state == "created"
    assert seen_afresh(run).faults() == ()
    run.append("intent", attempt=1)
    assert watching.condition().state == "starting"
    assert [event["kind"] for event in watching.events()] == ["created", "intent"]
    assert path.read_bytes().startswith(whole + b'{"seq":2,"kind":"intent"')


def test_a_torn_tail_as_long_as_the_record_after_it_hides_nothing(run: Run) -> None:
    watching = seen_afresh(run)
    run.append("intent", attempt=1)
    path = Path(run.paths.events)
    whole = path.read_bytes()
    record = whole.splitlines()[1]
    path.write_bytes(whole[: -len(record) - 1] + b"x" * (len(record) + 1))
    assert watching.condition().state == "created"
    path.write_bytes(whole)
    assert watching.condition().state == "starting"


def test_an_attempt_that_the_history_forgot_is_not_begun_again(run: Run) -> None:
    """Its process was written down before it could run, so it did."""
    begun(run)
    path = Path(run.paths.events)
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    exit_record.write(
        run.paths.attempt(1).exit_record,
        ExitRecord(1, code=37, boot_id="boot-1", boottime=9.0, wall=1.79e9),
    )
    found = seen_afresh(run)
    assert found.condition().state == "created"
    found.heal()
    now = found.condition()
    assert (now.state, now.attempt, now.exit_code) == ("exited", 1, 37)
    assert now.attempt_boot_id == "boot-1"


def test_a_folder_without_a_process_is_no_attempt(run: Run) -> None:
    storage.make_folder(run.paths.attempt(1).folder)
    exit_record.prepare(run.paths.attempt(1).exit_record)
    run.heal()
    assert run.condition().state == "created"
    assert run.condition().attempt == 0


def test_a_stop_that_was_seen_survives_a_damaged_wish(run: Run) -> None:
    stop = run.want("stop", "ada@desk")
    run.append("desired", sequence=stop.sequence, want=stop.want, act=stop.act, by=stop.by)
    Path(run.paths.desired).write_bytes(b"\0" * 100)
    found = seen_afresh(run)
    assert (found.desired().want, found.desired().sequence) == ("stopped", 2)
    found.heal()
    assert (seen_afresh(run).desired().want, seen_afresh(run).desired().act) == ("stopped", "stop")
    assert seen_afresh(run).want("restart", "x").sequence == 3


def test_a_wish_over_a_damaged_one_keeps_it_aside(run: Run) -> None:
    Path(run.paths.desired).write_bytes(b"was something\n")
    assert run.want("stop", "x").want == "stopped"
    (copy,) = Path(run.paths.folder).glob("desired.json.damaged-*")
    assert copy.read_bytes() == b"was something\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a run that began, ended and was stopped."""
    run = begun(runs_in(tmp_path_factory.mktemp("whole")).create(SPEC))
    run.want("stop", "ada@desk")
    run.append("desired", sequence=2, want="stopped", act="stop", by="ada@desk")
    exit_record.write(run.paths.attempt(1).exit_record, ExitRecord(1, signal=15))
    run.append("exited", attempt=1, signal=15)
    run.append("finished")
    names = [*FILES, "attempt-0001/pid.json", "attempt-0001/exit.rec"]
    return {name: (Path(run.paths.folder) / name).read_bytes() for name in names}


def laid_out(folder: Path, files: dict[str, bytes]) -> Run:
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return Run(RunPaths(str(folder)))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_bit_flipped_and_any_file_cut(
    tmp_path: Path, whole: dict[str, bytes], data: st.DataObject
) -> None:
    """What is read after is what was written, or said to be unreadable: never something else."""
    name = data.draw(st.sampled_from(sorted(whole)))
    content = bytearray(whole[name])
    if data.draw(st.booleans()):
        bit = data.draw(st.integers(0, len(content) * 8 - 1))
        content[bit // 8] ^= 1 << (bit % 8)
    else:
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    run = laid_out(tmp_path / RUN_ID, whole | {name: bytes(content)})
    look_at_everything(run)
    assert run.spec() == SPEC
    assert run.condition().exit_code is None
    ended = exit_record.read(run.paths.attempt(1).exit_record)
    assert ended is None or (ended.signal, ended.code) == (15, None)
    process = pid_record.read(run.paths.attempt(1).pid)
    assert process is None or (process.pid, process.ticks) == (4242, 777)
    run.heal()
    assert run.spec() == SPEC
    assert run.faults() == ()
    before = run.condition()
    run.append("warning", text="goes on")
    assert seen_afresh(run).condition()._replace(warnings=()) == before._replace(
        warnings=(), boot_id=run.condition().boot_id
    )


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from([*FILES, "attempt-0001/pid.json", "attempt-0001/exit.rec"]), st.binary())
def test_any_bytes_in_any_file(
    tmp_path: Path, whole: dict[str, bytes], name: str, content: bytes
) -> None:
    run = laid_out(tmp_path / RUN_ID, whole | {name: content})
    look_at_everything(run)
    run.heal()
    assert run.faults() == ()
    assert run.spec() == SPEC


def test_sealed_garbage_of_a_later_release_is_no_crash(run: Run) -> None:
    """Well-formed and checksummed, but nothing that this release can use."""
    for kind in ("intent", "started", "exited", "lost", "backoff", "desired", "adopted", "warning",
                 "kill_pending", "exec_failed", "emptied", "finished"):  # fmt: skip
        run.append(kind, attempt="one", pid=[], ticks=None, sequence={}, survivors=7, until="soon")
    look_at_everything(seen_afresh(run))
    storage.write_sealed(run.paths.desired, {"sequence": "two", "want": 7})
    storage.write_sealed(run.paths.spec, {"command": "rm -rf /"})
    found = seen_afresh(run)
    assert found.spec() == SPEC
    assert len(found.faults()) == 2


def test_an_endless_line_is_bounded(run: Run) -> None:
    with open(run.paths.events, "ab") as file:
        for _ in range(20):
            file.write(b"x" * 1024 * 1024)
        file.write(b"\n")
    found = seen_afresh(run)
    assert found.condition().state == "created"
    assert found.faults() == ("events.jsonl: 1 damaged records are skipped",)


def test_a_number_that_is_none_is_not_a_checksum() -> None:
    from workers.supervisor.sealed import Damaged, seal, unseal

    line = seal({"a": 1.5, "crc": 3, "text": "\udc80\n"})
    assert unseal(line) == {"a": 1.5, "crc": 3, "text": "\udc80\n"}
    for bad in (
        line[:-1],
        line + b"}",
        line.replace(b"1.5", b"1.6"),
        b'{"crc":1}',
        json.dumps({}).encode(),
    ):
        with pytest.raises(Damaged):
            unseal(bad)


def test_a_finished_run_stays_finished_through_healing(run: Run) -> None:
    finish(run)
    Path(run.paths.spec).unlink()
    run.heal()
    assert seen_afresh(run).condition().finished
