"""The trainer as a process: signals, death, a second one, several ranks."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

import pytest
import torch

from tests.training.games import played, write
from tests.training.running import Room, step_of, until
from workers.network.checkpoint import load_training
from workers.network.places import checkpoint_path

ENOUGH = ["--reuse", "100000", "--forever"]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    room = Room(tmp_path)
    write(room.games, played(4))
    return room


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def test_kill_minus_nine_loses_at_most_the_interval(room: Room) -> None:
    with room.training(*ENOUGH, "--log-steps", "1") as process:
        until(lambda: step_of(room.latest) >= 10, "two checkpoints")
        process.send_signal(signal.SIGSTOP)  # what the status says is at most two seconds old
        reached = max(point["step"] for point in room.curve)
        process.kill()
        process.wait()
    kept = step_of(room.latest)
    assert reached - kept <= 5
    assert room.train("--reuse", "100000", "--steps", str(kept + 3)) == 0
    assert step_of(room.latest) == kept + 3


def test_asked_for_a_checkpoint_and_told_to_stop_it_does_both(room: Room) -> None:
    more = [*ENOUGH, "--checkpoint-steps", "1000000", "--keep", "0"]
    with room.training(*more) as process:
        until(lambda: (room.status.get("done") or 0) > 0, "the first steps")
        assert room.latest is None
        process.send_signal(signal.SIGUSR1)
        until(lambda: room.latest, "a checkpoint")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
    assert len(room.names) == 2
    assert step_of(room.latest) == room.status["done"]


def test_it_waits_for_data_and_a_second_one_keeps_away(room: Room, tmp_path: Path) -> None:
    """Four games allow 30 steps; the next two allow 15 more."""
    with room.training("--forever", "--look-seconds", "0.2") as process:
        until(lambda: "waiting for data" in (room.status.get("blocked_because") or ""), "a wait")
        assert room.status["phase"] == "waiting"
        before = step_of(room.latest)
        assert before > 0
        other = Room(tmp_path)
        other.status_path = tmp_path / "other.json"
        assert other.train("--steps", "100") == 4
        assert f"another trainer is at work there, process {process.pid}" in other.status["message"]
        write(room.games, played(2, 2), "more")
        until(lambda: step_of(room.latest) > before, "more steps")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_two_ranks_are_one(room: Room, tmp_path: Path) -> None:
    """The same batches in two halves. Sums of floats differ in their last digits, and Adam makes a whole step of
    a gradient that is only such a digit: the first gradients are compared closely, the curves widely."""
    pair = Room(tmp_path / "pair")
    pair.games = room.games
    more = ["--steps", "12", "--checkpoint-steps", "1", "--log-steps", "1"]
    common = {
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": free_port(),
    }
    with (
        pair.training(*more, RANK="0", LOCAL_RANK="0", **common) as first,
        pair.training(*more, RANK="1", LOCAL_RANK="1", **common) as second,
    ):
        said = first.communicate(timeout=110)[0], second.communicate(timeout=110)[0]
        assert (first.returncode, second.returncode) == (0, 0), said
    assert said[1] == ""
    assert room.train(*more) == 0
    assert pair.status["extra"]["ranks"] == 2
    assert len(room.names) == len(pair.names) == 12
    one, two = (load_training(checkpoint_path(r.folder, r.names[-1])) for r in (room, pair))
    gradients = [name for name in one.tensors if name.startswith("exp_avg.")]
    assert len(gradients) > 10
    for name in gradients:
        assert torch.allclose(one.tensors[name], two.tensors[name], rtol=1e-4, atol=1e-7), name
    one, two = (load_training(checkpoint_path(r.folder, r.names[0])) for r in (room, pair))
    assert one.state["data"]["plan"] == two.state["data"]["plan"]
    assert one.state["counters"] == two.state["counters"]
    losses = [[p["value"] for p in r.curve if p["name"] == "loss/total"] for r in (room, pair)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.long
def test_a_rank_that_waits_for_the_others_can_be_stopped(room: Room) -> None:
    alone = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    with room.training(**alone) as process:
        until(lambda: "waits for 1 other" in room.status.get("message", ""), "the rendezvous")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143


@pytest.mark.long
def test_torchrun_starts_the_ranks_and_stops_them(room: Room) -> None:
    import subprocess
    import sys

    from tests.training.running import ROOT

    argv = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            "-m", "workers.training", *room.argv(*ENOUGH)]  # fmt: skip
    process = subprocess.Popen(argv, cwd=ROOT, start_new_session=True)
    try:
        until(lambda: step_of(room.latest) >= 5, "a checkpoint")
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        stopped = step_of(room.latest)
        assert room.train("--reuse", "100000", "--steps", str(stopped + 1)) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
