"""native_sync: mirrored, trained beside, and only the results came back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.jobs_train.conftest import World, listing

BACK = {"out/adapter_model.safetensors", "out/adapter_config.json"}


def test_only_the_results_come_back_and_the_source_is_untouched(world: World) -> None:
    before = listing(world.source)
    code, said = world.run()
    assert code == 0, said
    after = listing(world.source)
    assert {name for name in after if name not in before} == BACK
    assert {name: after[name] for name in before} == before
    config = json.loads(after["out/adapter_config.json"][0])
    assert config == {"files": 43, "where": str(world.fast)}
    # What the training left beside is not in the next one's way.
    assert {*listing(world.fast)} == {*before, ".quarterdeck-mirror.json"}
    assert world.status["phase"] == "done"
    assert {name: part["state"] for name, part in world.parts.items()} == dict.fromkeys(
        ("mirror", "train", "results"), "done"
    )


def test_the_speed_of_each_leg_is_on_record(world: World) -> None:
    world.run()
    legs = world.status["extra"]["legs"]
    assert legs["mirror"]["files"] == 42
    assert legs["mirror"]["bytes"] == sum(len(data) for data, _ in listing(world.fast).values()) - (
        len((world.fast / ".quarterdeck-mirror.json").read_bytes())
        + len((world.fast / "link.txt").read_bytes())
    )
    assert all(legs[name]["seconds"] > 0 for name in ("mirror", "train", "results"))
    names = {json.loads(line)["name"] for line in (world.run_folder / "metrics.jsonl").open()}
    assert {"mirror/files_s", "mirror/mb_s", "train/seconds", "results/seconds"} <= names


def test_the_next_mirror_takes_only_what_changed(world: World) -> None:
    world.run()
    (world.source / "empty.txt").write_text("no more")
    (world.source / "big.txt").unlink()
    (world.source / "link.txt").unlink()
    (world.fast / "sub 0" / "größe-0.txt").write_text("somebody was here")
    code, said = world.run()
    assert code == 0, said
    # Changed, damaged in the mirror, and the two results of the first run.
    assert world.status["extra"]["legs"]["mirror"]["files"] == 4
    assert not (world.fast / "big.txt").exists()
    assert (world.fast / "sub 0" / "größe-0.txt").read_text() == "text 0\n"


def test_in_place(world: World) -> None:
    code, said = world.run(mode="standard")
    assert code == 0, said
    assert (world.source / "out" / "checkpoint.bin").exists()
    assert not world.fast.exists()
    assert [*world.parts] == ["train"]


def test_results_elsewhere_and_a_place_in_the_command(world: World) -> None:
    script = "import sys, pathlib; pathlib.Path(sys.argv[1], 'a.safetensors').write_text('w')"
    code, said = world.run(
        results_to=str(world.folder / "models"), command=["python", "-c", script, "{data}"]
    )
    assert code == 0, said
    assert {*listing(world.folder / "models")} == {"a.safetensors"}
    assert not (world.source / "a.safetensors").exists()


def test_the_plan_changes_nothing(world: World) -> None:
    before = listing(world.source)
    code, said = world.run("--plan")
    assert code == 0, said
    assert "42 files" in said
    assert "never: change, move or remove a file of the source" in said
    assert listing(world.source) == before
    assert not world.fast.exists()


@pytest.mark.parametrize(
    ("options", "wanted", "why"),
    [
        ({"mode": "fast"}, 4, "one of standard, native_sync, wsl_sync"),
        ({"command": []}, 4, "options.command"),
        ({"results": ["../x"]}, 4, "options.results"),
        ({"source": "/no/such/place"}, 4, "is no folder"),
        ({"python": ["/no/such/venv"]}, 4, "none of /no/such/venv is there"),
        ({"command": ["python", "-c", "raise SystemExit(7)"]}, 1, "exit 7"),
        ({"command": ["python", "-c", "pass"]}, 1, "no new file that matches"),
        ({"command": ["no-such-program"]}, 1, "no-such-program"),
    ],
)
def test_what_goes_wrong_is_said_and_leaves_the_source(
    world: World, options: dict[str, object], wanted: int, why: str
) -> None:
    before = listing(world.source)
    code, said = world.run(**options)
    assert (code, why in said) == (wanted, True), said
    assert listing(world.source) == before


def test_a_folder_that_is_not_ours_is_never_a_mirror(world: World) -> None:
    world.fast.mkdir()
    (world.fast / "thesis.txt").write_text("mine")
    code, said = world.run()
    assert (code, "is no mirror of ours" in said) == (4, True), said
    assert (world.fast / "thesis.txt").read_text() == "mine"
    other = world.folder / "other"
    shutil.copytree(world.source, other, symlinks=True)
    (world.fast / "thesis.txt").unlink()
    assert world.run()[0] == 0
    code, said = world.run(source=str(other))
    assert (code, "is the mirror of" in said) == (4, True), said


def test_the_source_and_its_mirror_lie_apart(world: World) -> None:
    for fast in (world.source / "fast", world.source, world.folder):
        code, said = world.run(fast=str(fast))
        assert (code, "must lie apart" in said) == (4, True), said


def test_what_cannot_be_mirrored_is_named(world: World) -> None:
    os.mkfifo(world.source / "pipe")
    (world.source / "out-link").symlink_to("/etc/passwd")
    code, said = world.run()
    assert code == 1
    assert "pipe (neither file nor folder)" in said
    assert "leads out: /etc/passwd" in said


def test_a_source_that_somebody_writes_to_is_told(world: World) -> None:
    script = (
        f"open('a.safetensors', 'w'); open({str(world.source / 'empty.txt')!r}, 'w').write('x')"
    )
    code, said = world.run(command=["python", "-c", script])
    assert (code, "changed while it trained, and not by us: empty.txt" in said) == (1, True), said
    assert (world.source / "a.safetensors").exists()


def test_a_stop_ends_the_training_too(world: World) -> None:
    pid = world.folder / "pid"
    script = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    process = world.start(command=["python", "-c", script])
    _until(lambda: pid.exists() and pid.read_text())
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert not Path(f"/proc/{pid.read_text()}").exists()


def test_one_training_at_a_time(world: World) -> None:
    process = world.start(command=["sleep", "60"])
    try:
        _until(lambda: world.run_folder.joinpath("status.json").exists() and world.status["phase"] == "train")  # fmt: skip
        code, said = world.run()
        assert (code, "another training uses this mirror" in said) == (1, True), said
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.parametrize("after_ms", [80, 200, 350])
def test_killed_anywhere_the_next_run_is_whole(world: World, after_ms: int) -> None:
    for number in range(600):
        (world.source / f"more-{number}.txt").write_text("m" * number)
    before = listing(world.source)
    process = world.start()
    with suppress(subprocess.TimeoutExpired):
        process.wait(after_ms / 1000)
    process.kill()
    process.communicate()
    half = listing(world.source)
    assert {name: half[name] for name in before} == before
    code, said = world.run()
    assert code == 0, said
    after = listing(world.source)
    assert {name for name in after if name not in before} == BACK
    assert len(after["out/adapter_model.safetensors"][0]) == sum(
        len(data) for name, (data, _) in before.items() if name.endswith(".txt")
    )


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_a_mirror_that_does_not_fit_moves_nothing(world: World) -> None:
    world.fast.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(world.fast)]
    subprocess.run(mount, check=True)
    try:
        code, said = world.run()
        assert (code, "the mirror needs" in said) == (6, True), said
        assert {*listing(world.fast)} == {".quarterdeck-mirror.json"}
    finally:
        subprocess.run(["umount", str(world.fast)], check=True)


def _until(holds):  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
