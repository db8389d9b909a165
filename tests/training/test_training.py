"""What a run of the trainer leaves behind, and how it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.training.games import played, write
from tests.training.running import Room, step_of
from tests.training.test_groups import without_targets
from tests.training.test_positions import moved
from workers.games.loading import load_game
from workers.network.checkpoint import load_checkpoint
from workers.network.places import HASHES, MODEL, TRAINING
from workers.network.pointers import swap_pointer
from workers.records.journal import Journal


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_it_overfits_a_tiny_set(room: Room) -> None:
    """The visits prefer the lowest legal cell 30 to 1: their entropy is all that remains."""
    write(room.games, played(2))
    code = room.train(
        *[
            "--steps",
            "150",
            "--architecture",
            "16x1",
            "--learning-rate",
            "0.01",
            "--reuse",
            "1000",
            "--no-augment",
        ],
        *["--warmup-steps", "10", "--schedule-steps", "150", "--ema", "0.9"],
    )
    assert code == 0
    curve = [point["value"] for point in room.curve if point["name"] == "loss/policy"]
    values = [point["value"] for point in room.curve if point["name"] == "loss/value"]
    assert curve[0] > 3.5
    assert curve[-1] < 1.6
    assert values[-1] < 0.05 < values[0]


def test_it_bit_exactly_goes_on(room: Room, tmp_path: Path) -> None:
    for seed in (1, 2):
        write(room.games, played(6, seed), f"w{seed}")
    other = Room(tmp_path / "other")
    other.games = room.games
    assert room.train("--steps", "15", "--mix", "1") == 0
    for steps in ("5", "10", "15"):
        assert other.train("--steps", steps, "--mix", "1") == 0
    assert room.names == other.names
    for name in room.names:
        for file in (MODEL, TRAINING):
            one, same = (r.folder / "checkpoints" / name / file for r in (room, other))
            assert one.read_bytes() == same.read_bytes()


def test_no_data_is_no_success(room: Room) -> None:
    assert room.train("--steps", "5") == 3
    assert "no sealed shards of square8_2p below" in room.status["message"]
    assert str(room.games) in room.status["blocked_because"]
    assert room.names == []


def test_games_that_are_not_sealed_yet_are_spoken_of(room: Room) -> None:
    journal = Journal(room.games, "square8", 2, "open", fsync="none")
    journal.append(played(1)[0])
    assert room.train("--steps", "5") == 3
    assert "1 games in open journals, sealed" in room.status["blocked_because"]
    journal.close()
    assert room.train("--steps", "1") == 0


def test_few_data_are_not_learned_by_heart(room: Room) -> None:
    """120 samples or so allow four steps each, 32 samples a step."""
    write(room.games, played(2))
    samples = sum(move != -1 for record in played(2) for move in record.moves)
    assert room.train("--steps", "1000") == 3
    assert step_of(room.latest) == 4 * samples // 32
    need = -(-(step_of(room.latest) + 1) * 32 // 4)
    assert f"waiting for data, have {samples}/need {need}" in room.status["blocked_because"]
    assert room.train() == 3
    write(room.games, played(2, 2), "more")
    assert room.train() == 0
    assert step_of(room.latest) > 4 * samples // 32


@pytest.mark.parametrize("kind", ["illegal", "targets"])
def test_poisoned_games_are_refused_by_name(room: Room, kind: str) -> None:
    write(room.games, played(6, 1), "good")
    poison = played(6, 2)
    bad = write(
        room.games,
        [moved(r, 2, 0) if kind == "illegal" else without_targets(r) for r in poison],
        "bad",
    )
    assert room.train("--steps", "5") == 5
    assert str(bad) in room.status["message"]
    assert room.status["phase"] == "failed"
    assert room.names == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--learning-rate", "0.5"], "learning_rate was 0.003, is 0.5"),
        (["--architecture", "8x1"], "architecture was 4x1v4, is 8x1v64"),
        (["--seed", "9", "--batch-size", "64"], "seed was 1, is 9; batch_size was 32, is 64"),
    ],
)
def test_other_settings_than_the_checkpoints_are_refused(
    room: Room, more: list[str], words: str
) -> None:
    write(room.games, played(4))
    assert room.train("--steps", "2") == 0
    assert room.train("--steps", "4", *more) == 4
    assert words in room.status["message"]
    assert step_of(room.latest) == 2


def test_changes_are_allowed_where_asked(room: Room) -> None:
    write(room.games, played(4))
    assert room.train("--steps", "2") == 0
    assert room.train("--steps", "4", "--learning-rate", "0.5", "--allow-changes") == 0


def test_another_games_checkpoint_is_refused(room: Room) -> None:
    write(room.games, played(4))
    assert room.train("--steps", "2") == 0
    room.folder.rename(room.folder.with_name("square8_3p"))
    assert room.train("--steps", "4", "--num-players", "3") == 4
    assert "made for reversi/1 on square8 with 2 players" in room.status["message"]


def test_a_damaged_checkpoint_falls_back(room: Room, capfd: pytest.CaptureFixture[str]) -> None:
    write(room.games, played(4))
    assert room.train("--steps", "10") == 0
    newest, older = (room.folder / "checkpoints" / name for name in room.names)
    body = bytearray((newest / TRAINING).read_bytes())
    body[-1] ^= 1
    (newest / TRAINING).write_bytes(body)
    capfd.readouterr()
    assert room.train("--steps", "12") == 0
    said = capfd.readouterr().out
    assert f"{newest / TRAINING}: damaged" in said
    assert f"went back to {older.name}" in said
    assert step_of(room.latest) == 12
    for name in room.names:
        (room.folder / "checkpoints" / name / HASHES).write_text("{}")
    assert room.train("--steps", "14") == 5
    assert "no good checkpoint is left" in room.status["message"]


def test_what_it_leaves_can_play(room: Room) -> None:
    write(room.games, played(4))
    assert room.train("--steps", "7") == 0
    assert room.latest is not None
    loaded = load_checkpoint(room.latest, load_game("reversi", "square8", 2))
    assert (loaded.meta.step, loaded.meta.watermark) == (7, 4)
    before = load_checkpoint(
        room.folder / "checkpoints" / room.names[1], load_game("reversi", "square8", 2)
    )
    assert loaded.meta.parent == before.hash
    status = room.status
    assert (status["phase"], status["done"], status["total"], status["unit"]) == (
        "done",
        7,
        7,
        "step",
    )
    assert status["extra"]["checkpoint"] == room.latest.name
    assert status["extra"]["models"] == str(room.folder.absolute())


def test_drained_it_keeps_what_it_has_and_is_done(room: Room, tmp_path: Path) -> None:
    write(room.games, played(4))
    (tmp_path / "drain").touch()
    assert room.train("--forever", drain=tmp_path / "drain") == 0
    assert step_of(room.latest) == room.status["done"] == 1
    assert room.status["phase"] == "done"


def test_old_checkpoints_go_and_the_best_stay(room: Room) -> None:
    write(room.games, played(4))
    assert room.train("--steps", "1") == 0
    best = room.names[0]
    assert swap_pointer(room.folder, "best", None, best)
    assert room.train("--steps", "20", "--keep", "2") == 0
    assert [int(name.split("-")[0]) for name in room.names] == [20, 16, 1]
    assert room.names[-1] == best


def test_held_out_games_are_measured_and_never_learned(room: Room) -> None:
    for seed in range(4):
        write(room.games, played(2, seed + 1), f"w{seed}")
    assert room.train(*["--steps", "6", "--held-out", "0.5", "--validate-steps", "3"]) == 0
    measured = {point["name"] for point in room.curve if point["name"].startswith("held_out/")}
    held = room.status["extra"]["held_out"]
    assert room.status["extra"]["games"] + held == 8
    assert bool(held) == (measured == {"held_out/policy", "held_out/value", "held_out/agreement"})


def test_gradients_that_are_no_numbers_end_it_and_harm_nothing(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(room.games, played(4))
    assert room.train("--steps", "3") == 0
    monkeypatch.setattr("workers.training.loop.advance", lambda *_: float("nan"))
    assert room.train("--steps", "30", "--patience", "2") == 1
    assert "skipped, its gradient is nan (2 in a row)" in room.status["message"]
    assert step_of(room.latest) == 3


@pytest.mark.parametrize(
    "wrong",
    ["--board square9", "--game chess", "--batch-size 0", "--steps 0", "--window some", "--held-out 1",
     "--architecture big", "--threads none", "--device none", "--reuse 0", "--nonsense"],
)  # fmt: skip
def test_what_cannot_be_is_configuration(room: Room, wrong: str) -> None:
    assert room.train(*wrong.split()) == 4


def test_nothing_in_a_checkpoint_is_a_pickle(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("unpickled")

    monkeypatch.setattr("torch.load", refuse)
    monkeypatch.setattr("torch.save", refuse)
    monkeypatch.setattr("pickle.loads", refuse)
    monkeypatch.setattr("pickle.dumps", refuse)
    write(room.games, played(4))
    assert room.train("--steps", "2") == 0
    assert room.train("--steps", "4") == 0
    found = {path.suffix for path in room.folder.rglob("*") if path.is_file() and path.suffix}
    assert found <= {".safetensors", ".json", ".jsonl", ".log", ".lock"}


def test_curves_are_lines_and_tensorboard_events(room: Room) -> None:
    pytest.importorskip("tensorboardX")
    write(room.games, played(4))
    argv = [word for word in room.argv("--steps", "5") if word != "--no-tensorboard"]
    from workers.training.__main__ import main

    assert main(argv) == 0
    (events,) = (room.folder / "tensorboard").rglob("events.out.tfevents.*")
    assert b"loss/policy" in events.read_bytes()
    names = {point["name"] for point in room.curve}
    assert {"loss/policy", "loss/value", "gradient/norm", "learning_rate", "data/reuse"} <= names
    assert all(json.dumps(point) for point in room.curve)


def test_help_loads_no_torch() -> None:
    import subprocess

    code = "import sys; from workers.training.arguments import parser; parser(); print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
