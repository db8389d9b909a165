"""Checkpoints: whole or not there, verified, and never taken for another game's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.network.boards import Grid
from workers.harness import CorruptData, Misconfigured
from workers.network import places
from workers.network.architecture import Architecture
from workers.network.checkpoint import (
    load_checkpoint,
    load_training,
    network_hash,
    save_checkpoint,
    sweep_unfinished,
)
from workers.network.fallback import load_pointed
from workers.network.metadata import meta_of
from workers.network.network import build
from workers.network.pointers import swap_pointer

GRID = Grid()
SMALL = Architecture(channels=4, blocks=1, value_hidden=4)


def saved(folder: Path, step: int, game: Grid = GRID) -> Path:
    network = build(game, SMALL)
    kept = save_checkpoint(
        folder,
        network.state_dict(),
        meta_of(game, SMALL, step, watermark=7, parent="ab", config="cd"),
        {"exp_avg.stem.weight": torch.ones(3)},
        {"cursor": [1, 2]},
    )
    return places.checkpoint_path(folder, kept.name)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = saved(tmp_path, 12)
    found = load_checkpoint(path, GRID)
    assert found.name == path.name == f"000000012-{found.hash[:8]}"
    assert found.hash == network_hash((path / places.MODEL).read_bytes())
    assert found.meta == meta_of(GRID, SMALL, 12, watermark=7, parent="ab", config="cd")
    training = load_training(path)
    assert training.tensors["exp_avg.stem.weight"].tolist() == [1, 1, 1]
    assert training.state == {"cursor": [1, 2]}


def test_the_same_weights_make_the_same_file_in_any_memory_format(tmp_path: Path) -> None:
    network = build(GRID, SMALL)
    names = {
        save_checkpoint(tmp_path, network.to(memory_format=form).state_dict(), meta_of(GRID, SMALL))
        for form in (torch.contiguous_format, torch.channels_last)
    }
    assert len(names) == 1


def test_weights_alone_are_no_state_of_training(tmp_path: Path) -> None:
    kept = save_checkpoint(tmp_path, build(GRID, SMALL).state_dict(), meta_of(GRID, SMALL))
    path = places.checkpoint_path(tmp_path, kept.name)
    load_checkpoint(path, GRID)
    with pytest.raises(Misconfigured, match="no state of training"):
        load_training(path)


@pytest.mark.parametrize(
    "other",
    [Grid(players=3), Grid(board="grid5"), Grid(name="other"), Grid(rules="grid/2")],
    ids=["seats", "board", "game", "rules"],
)
def test_another_games_weights_are_refused(tmp_path: Path, other: Grid) -> None:
    with pytest.raises(Misconfigured, match="made for"):
        load_checkpoint(saved(tmp_path, 1), other)


@pytest.mark.parametrize("name", [places.MODEL, places.TRAINING, places.STATE, places.HASHES])
@pytest.mark.parametrize("harm", ["flip", "cut", "gone"])
def test_damage_is_seen(tmp_path: Path, name: str, harm: str) -> None:
    path = saved(tmp_path, 1)
    damage(path / name, harm)
    load = load_checkpoint if name == places.MODEL else load_training
    with pytest.raises(CorruptData):
        load(path, *([GRID] if name == places.MODEL else []))


def damage(file: Path, harm: str) -> None:
    body = bytearray(file.read_bytes())
    if harm == "gone":
        file.unlink()
    elif harm == "cut":
        file.write_bytes(body[: len(body) // 2])
    else:
        body[len(body) // 2] ^= 16
        file.write_bytes(body)


def test_damaged_latest_falls_back_to_the_one_before_and_says_so(tmp_path: Path) -> None:
    older, newer = saved(tmp_path, 1), saved(tmp_path, 2)
    assert swap_pointer(tmp_path, "latest", None, newer.name)
    damage(newer / places.MODEL, "flip")
    said: list[str] = []
    found = load_pointed(tmp_path, "latest", lambda path: load_checkpoint(path, GRID), said.append)
    assert found is not None
    assert found.name == older.name
    assert len(said) == 1
    assert str(newer) in said[0]
    assert older.name in said[0]


def test_best_falls_back_to_what_was_best_before(tmp_path: Path) -> None:
    first, second, _ = saved(tmp_path, 1), saved(tmp_path, 2), saved(tmp_path, 3)
    swap_pointer(tmp_path, "best", None, first.name)
    swap_pointer(tmp_path, "best", first.name, second.name)
    damage(second / places.MODEL, "cut")
    found = load_pointed(tmp_path, "best", lambda path: load_checkpoint(path, GRID), print)
    assert found is not None
    assert found.name == first.name


def test_a_damaged_pointer_falls_back_to_its_history(tmp_path: Path) -> None:
    first = saved(tmp_path, 1)
    swap_pointer(tmp_path, "best", None, first.name)
    (tmp_path / "best").write_bytes(b"\xff../../x")
    found = load_pointed(tmp_path, "best", lambda path: path.name, print)
    assert found == first.name


def test_nothing_is_none_and_nothing_good_is_an_error(tmp_path: Path) -> None:
    def load(path: Path) -> str:
        return load_checkpoint(path, GRID).name

    assert load_pointed(tmp_path, "latest", load, print) is None
    damage(saved(tmp_path, 1) / places.MODEL, "flip")
    with pytest.raises(CorruptData, match="no good checkpoint"):
        load_pointed(tmp_path, "latest", load, print)


def test_an_unfinished_one_is_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workers.network.checkpoint.shutil.rmtree", lambda *_, **__: None)
    monkeypatch.setattr("workers.network.checkpoint._publish", die)
    with pytest.raises(KeyboardInterrupt):
        saved(tmp_path, 1)
    assert places.checkpoint_names(tmp_path) == []
    monkeypatch.undo()
    assert sweep_unfinished(tmp_path) == 1
    assert list(places.checkpoints_of(tmp_path).iterdir()) == []


def test_a_damaged_one_makes_room_for_the_same_again(tmp_path: Path) -> None:
    torch.manual_seed(1)
    path = saved(tmp_path, 1)
    damage(path / places.TRAINING, "cut")
    torch.manual_seed(1)
    assert saved(tmp_path, 1) == path
    load_training(path)
    assert len(list(path.parent.iterdir())) == 2


def test_no_file_holds_a_pickle(tmp_path: Path) -> None:
    path = saved(tmp_path, 1)
    for file in path.iterdir():
        body = file.read_bytes()
        assert not body.startswith((b"\x80", b"PK"))
        assert file.suffix in (".safetensors", ".json")
    assert set(json.loads((path / places.HASHES).read_text())) == {
        places.MODEL,
        places.TRAINING,
        places.STATE,
    }


class _Trap:
    """What a hostile .pt carries: loading it by pickle makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.path,))


def test_a_hostile_pickle_in_the_place_of_weights_is_refused_and_never_run(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    hostile = tmp_path / "hostile.pt"
    torch.save({"model": _Trap(sprung)}, hostile)
    torch.load(hostile, weights_only=False)
    assert sprung.exists(), "it does harm where it is unpickled"
    sprung.unlink()
    path = saved(tmp_path / "models", 3)
    for name in (places.MODEL, places.TRAINING):
        good = (path / name).read_bytes()
        (path / name).write_bytes(hostile.read_bytes())
        hashes = json.loads((path / places.HASHES).read_text())
        told = {**hashes, name: network_hash(hostile.read_bytes())}  # it even has the right hash
        (path / places.HASHES).write_text(json.dumps(told))
        with pytest.raises(CorruptData):
            load_checkpoint(path, GRID) if name == places.MODEL else load_training(path)
        assert not sprung.exists()
        (path / name).write_bytes(good)
        (path / places.HASHES).write_text(json.dumps(hashes))
    load_checkpoint(path, GRID)
    load_training(path)
