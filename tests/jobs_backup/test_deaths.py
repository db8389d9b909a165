"""A backup and a restore that are killed at any moment go on where they were; the manifest is never early."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.jobs_backup.stores import (
    backed_up,
    command,
    far,
    job_environment,
    make_generation,
    orders,
    run_job,
    status,
)
from workers.jobs.remote.listing import objects

pytestmark = pytest.mark.xdist_group("object-store")
SIZES = {f"part-{number:05d}.parquet": 200_000 for number in range(3)}
SLOWLY = {"limits": {"retries": 0, "bandwidth_kib_s": 1500, "concurrency": 1}}
ENOUGH = 25


def killed(
    folder: Path,
    document: dict[str, Any],
    environ: dict[str, str],
    chance: random.Random,
    try_: int,
) -> bool:
    """Whether it was killed before it ended: with its rclone, as a supervisor sees to, or alone. Later each
    time."""
    process = subprocess.Popen(
        command(folder, document),
        env=job_environment(folder, environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(chance.uniform(0.5, 1.5) * (1 + try_))
    except subprocess.TimeoutExpired:
        (os.killpg if chance.random() < 0.5 else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
        return True
    assert process.returncode == 0
    return False


@pytest.mark.long
def test_a_backup_that_is_killed_again_and_again(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    for number in (1, 2):
        make_generation(tmp_path / "D", number, SIZES)
    document = orders("backup", tmp_path / "D", remote, **SLOWLY)
    chance, kills = random.Random(7), 0
    for try_ in range(ENOUGH):
        if not killed(tmp_path / "job", document, environ, chance, try_):
            break
        kills += 1
        check(tmp_path / "D", remote)
    assert kills
    done = run_job(tmp_path / "job", document)
    assert done.returncode == 0, done.stderr
    check(tmp_path / "D", remote)
    assert [line.generation for line in backed_up(tmp_path / "D")] == [1, 2]
    assert len(objects(far(remote))) == 2 * (len(SIZES) + 1)


def check(root: Path, remote: str) -> None:
    """What has a manifest there has all its files, and what the ledger says is there has its manifest."""
    there = {each.path: each.bytes for each in objects(far(remote))}
    recorded = {line.generation for line in backed_up(root)}
    for number in (1, 2):
        folder = f"games/consolidated/gen-{number:06d}"
        if f"{folder}/manifest-{number:06d}.json" in there:
            assert all(there.get(f"{folder}/{name}") == size for name, size in SIZES.items())
        else:
            assert number not in recorded


@pytest.mark.long
def test_a_restore_that_is_killed_again_and_again(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    make_generation(tmp_path / "D", 1, SIZES)
    assert run_job(tmp_path / "job", orders("backup", tmp_path / "D", remote)).returncode == 0
    document = orders("restore", tmp_path, remote, options={"to": str(tmp_path / "back")}, **SLOWLY)
    chance, store = random.Random(3), tmp_path / "back/games/consolidated/gen-000001"
    for try_ in range(ENOUGH):
        ended = not killed(tmp_path / "job", document, environ, chance, try_)
        for name, size in SIZES.items():
            assert not (store / name).exists() or (store / name).stat().st_size == size
        if (store / "manifest-000001.json").exists():
            assert {path.name for path in store.iterdir()} >= SIZES.keys()
        if ended:
            break
    done = run_job(tmp_path / "job", document)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in store.iterdir()} == {*SIZES, "manifest-000001.json"}


def test_how_far_it_is_shows_and_a_stop_ends_rclone_too(
    tmp_path: Path, environ: dict[str, str], remote: str
) -> None:
    make_generation(tmp_path / "D", 1, SIZES)
    document = orders("backup", tmp_path / "D", remote, limits={"bandwidth_kib_s": 100})
    process = subprocess.Popen(
        command(tmp_path / "job", document),
        env=job_environment(tmp_path / "job", environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    part: dict[str, Any] = {}
    deadline = time.monotonic() + 60
    while not part.get("bytes") and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
        if (tmp_path / "job/status.json").exists():
            (part,) = status(tmp_path / "job")["extra"].get("parts", [{}])
    process.terminate()
    process.communicate(timeout=30)  # ends once nobody holds the pipes
    assert process.returncode == 143
    assert 0 < part["bytes"] <= part["bytes_total"] == sum(SIZES.values())
    assert part["message"] == "gen-000001 (1 of 1): sent"
    assert part["rate_bytes_s"] >= 0
    assert backed_up(tmp_path / "D") == ()
