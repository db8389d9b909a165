"""What must hold before a start, and which GPUs it gets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workers.agent.workers import gpu_choice, planning, preflight
from workers.agent.workers.interpreters import Interpreters
from workers.protocol import (
    DiskNeed,
    Gpu,
    GpuProcess,
    GpuReport,
    Preflight,
    WorkerSpec,
)

SPEC = WorkerSpec("a" * 32, "w", ("sleep", "600"))


def refusals(spec: WorkerSpec, folder: Path) -> tuple[str, ...]:
    return preflight.check(spec, str(folder), str(folder)).refusals


def test_everything_there_is_no_refusal(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    wanted = Preflight((DiskNeed(".", 1),), ("train.py",), 1)
    assert refusals(SPEC._replace(preflight=wanted), tmp_path) == ()


def test_each_want_is_named_with_its_figures(tmp_path: Path) -> None:
    wanted = Preflight((DiskNeed(str(tmp_path), 2**60),), ("data/train.bin",), 2**60)
    found = refusals(SPEC._replace(preflight=wanted), tmp_path)
    assert any("data/train.bin must be there" in text for text in found)
    assert any("1.2 EB" in text or "PB are wanted" in text for text in found)
    assert any("of memory are available" in text for text in found)
    assert len(found) == 3


def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    assert f"the directory {tmp_path}/gone cannot be used" in refusals(SPEC, tmp_path / "gone")[0]
    (tmp_path / "file").touch()
    assert refusals(SPEC, tmp_path / "file") == (f"{tmp_path}/file is no directory",)


def test_a_mount_that_never_answers_is_told_and_waited_for_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    monkeypatch.setattr(preflight, "ANSWER_S", 0.2)
    monkeypatch.setattr(os, "statvfs", lambda _: threading.Event().wait())
    wanted = Preflight((DiskNeed("/dead", 1),))
    assert refusals(SPEC._replace(preflight=wanted), tmp_path) == (
        "a disk does not answer: is a mount dead?",
    )


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"command": ()}, "no command"),
        ({"command": ("a\0b",)}, "zero byte"),
        ({"run_id": "../x"}, "cannot name a run"),
        ({"name": ""}, "cannot name a worker"),
        ({"stop_signal": "BANANA"}, "no signal"),
    ],
)
def test_what_can_be_started_nowhere_is_said(change: dict[str, object], word: str) -> None:
    assert word in planning.fault(SPEC._replace(**change))  # type: ignore[arg-type]
    assert planning.fault(SPEC) == ""


def test_the_plan_is_absolute_whatever_the_next_agents_root_is(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    spec = SPEC._replace(directory="work", lock_files=("run.lock",), command=("python3", "x.py"))
    plan = planning.plan(
        spec._replace(interpreters=("python3",)),
        str(tmp_path),
        {"PATH": "/usr/bin:/bin"},
        Interpreters(),
        str(tmp_path / "nodes" / "key"),
    )
    assert plan.refusals == ()
    assert plan.spec.directory == f"{tmp_path}/work"
    assert plan.spec.lock_files == (f"{tmp_path}/work/run.lock",)
    assert plan.spec.command == ("/usr/bin/python3", "x.py")


# ---------------------------------------------------------------- GPUs

FOUR = GpuReport(tuple(Gpu(index) for index in range(4)))


def test_gpus_that_no_run_holds_are_taken_in_order() -> None:
    choice = gpu_choice.choose(SPEC._replace(gpus=2), FOUR, {0: "a (run 1)", 2: "b (run 2)"})
    assert choice == gpu_choice.GpuChoice((1, 3))


def test_too_few_name_who_holds_the_others() -> None:
    choice = gpu_choice.choose(SPEC._replace(gpus=3), FOUR, {0: "a (run 1)", 2: "b (run 2)"})
    assert choice.refusal == (
        "3 GPUs are wanted, 2 of 4 free: GPU 0 is held by a (run 1); GPU 2 is held by b (run 2)"
    )


def test_a_gpu_others_compute_on_is_taken_last_and_told() -> None:
    cards = (Gpu(0, processes=(GpuProcess(4711),)), Gpu(1))
    assert gpu_choice.choose(SPEC._replace(gpus=1), GpuReport(cards), {}).indices == (1,)
    both = gpu_choice.choose(SPEC._replace(gpus=2), GpuReport(cards), {})
    assert both.indices == (0, 1)
    assert both.notes == ("GPU 0 is also used by process 4711",)


def test_lost_gpus_and_none_at_all_are_no_gpus() -> None:
    lost = GpuReport((Gpu(0, lost=True), Gpu(1)))
    assert gpu_choice.choose(SPEC._replace(gpus=1), lost, {}).indices == (1,)
    assert "1 of 1 free" in gpu_choice.choose(SPEC._replace(gpus=2), lost, {}).refusal
    silent = GpuReport(fault="GPU driver not answering since 12 s")
    assert "not answering" in gpu_choice.choose(SPEC._replace(gpus=1), silent, {}).refusal
    assert gpu_choice.choose(SPEC, GpuReport(), {}) == gpu_choice.GpuChoice()


def test_asked_for_indices_are_given_or_refused() -> None:
    spec = SPEC._replace(gpu_indices=(2, 3))
    assert gpu_choice.choose(spec, FOUR, {}).indices == (2, 3)
    assert (
        gpu_choice.choose(spec, FOUR, {3: "a (run 1)"}).refusal
        == "not free: GPU 3 is held by a (run 1)"
    )
    assert "no GPU 7" in gpu_choice.choose(SPEC._replace(gpu_indices=(7,)), FOUR, {}).refusal
