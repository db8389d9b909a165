"""The run directory of the first release must load for ever."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.protocol.worker_examples import SPEC
from workers.supervisor import exit_record, pid_record
from workers.supervisor.exit_record import ExitRecord
from workers.supervisor.paths import RunPaths
from workers.supervisor.pid_record import PidRecord
from workers.supervisor.run import Run

GOLDEN = Path(__file__).parent / "golden" / "run"
BOOT = "6f1c2a34-0000-4000-8000-00000000b001"


def test_yesterdays_run_is_read_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / SPEC.run_id
    shutil.copytree(GOLDEN, folder)
    run = Run(RunPaths(str(folder)))
    assert run.spec() == SPEC
    assert run.faults() == ()
    wish = run.desired()
    assert (wish.sequence, wish.want, wish.act, wish.by, wish.grace_s) == (
        2, "stopped", "stop", "bob@desk", 2.5,
    )  # fmt: skip
    now = run.condition()
    assert (now.state, now.attempt, now.signal) == ("stopped", 1, 15)
    assert (now.oom, now.core, now.finished, now.sequence) == (True, True, True, 2)
    assert (now.attempt_boot_id, now.attempt_started) == (BOOT, 5000.5)
    assert now.warnings == ("no hole punching here: logs are not rotated",)
    paths = run.paths.attempt(1)
    assert exit_record.read(paths.exit_record) == ExitRecord(
        1, None, 15, True, True, True, 2, 1 << 30, 12.5, 1790000001.5, 5001.5, BOOT, 4242, "shim"
    )
    assert pid_record.read(paths.pid) == PidRecord(
        1, 4242, 987654, BOOT, 4026531836, None, f"cd:{SPEC.run_id}", "/user.slice/qd", 77, 4240, 4239,
        5000.5,
    )  # fmt: skip
    run.heal()
    assert run.want("restart", "x").sequence == 3
    run.append("desired", sequence=3, want="running", act="restart", by="x")
    assert run.condition().start_asked


def test_the_record_of_an_end_fills_its_slot_and_no_more() -> None:
    assert (GOLDEN / "attempt-0001" / "exit.rec").stat().st_size == exit_record.SLOT_BYTES == 4096
