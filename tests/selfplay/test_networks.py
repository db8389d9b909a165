"""Which network plays."""

import threading
import time

import pytest

torch = pytest.importorskip("torch")

from tests.selfplay.test_command import games_of  # noqa: E402
from workers import contract  # noqa: E402
from workers.games import load_game  # noqa: E402
from workers.harness import CorruptData, Misconfigured, NoDataYet, Worker  # noqa: E402
from workers.network.architecture import Architecture  # noqa: E402
from workers.network.checkpoint import network_hash, save_checkpoint  # noqa: E402
from workers.network.metadata import meta_of  # noqa: E402
from workers.network.network import build  # noqa: E402
from workers.network.pointers import read_pointer, swap_pointer  # noqa: E402
from workers.selfplay.networks import Networks  # noqa: E402

_SMALL = Architecture(4, 1, 4)


def checkpoint(folder, game, step, spoil=False):
    """A new network's name below the models folder."""
    torch.manual_seed(step)
    network = build(game, _SMALL)
    if spoil:
        network.value.bias.data.fill_(float("nan"))
    return save_checkpoint(
        folder / game.key, network.state_dict(), meta_of(game, _SMALL, step)
    ).name


@pytest.fixture
def game():
    return load_game("reversi", "square8", 2)


def networks(models, game, word):
    return Networks(game, models, word, Worker("game"))


def test_best_is_followed(tmp_path, game, monkeypatch):
    monkeypatch.setattr("workers.selfplay.networks._LOOK_EVERY_S", 0.0)
    one, two = (checkpoint(tmp_path, game, step) for step in (1, 2))
    folder = tmp_path / game.key
    assert swap_pointer(folder, "best", None, one)
    found = networks(tmp_path, game, "best")
    first = found.first("", 0)
    assert first.name == one
    assert one.endswith(first.hash[:8])
    assert found.changed() is None
    assert swap_pointer(folder, "best", one, two)
    changed = found.changed()
    assert changed is not None
    assert (changed.name, changed.hash != first.hash) == (two, True)
    assert found.changed() is None


def test_a_fresh_one_plays_until_there_is_a_best(tmp_path, game, monkeypatch):
    monkeypatch.setattr("workers.selfplay.networks._LOOK_EVERY_S", 0.0)
    found = networks(tmp_path, game, "best-or-fresh")
    assert found.first("8x1", 0).hash == "fresh"
    assert found.changed() is None
    one = checkpoint(tmp_path, game, 1)
    assert swap_pointer(tmp_path / game.key, "best", None, one)
    changed = found.changed()
    assert changed is not None
    assert changed.name == one
    assert networks(tmp_path, game, "best-or-fresh").first("8x1", 0).name == one


def test_a_bad_new_best_changes_nothing(tmp_path, game, monkeypatch, capsys):
    monkeypatch.setattr("workers.selfplay.networks._LOOK_EVERY_S", 0.0)
    one = checkpoint(tmp_path, game, 1)
    bad = checkpoint(tmp_path, game, 2, spoil=True)
    folder = tmp_path / game.key
    swap_pointer(folder, "best", None, one)
    found = networks(tmp_path, game, "best")
    assert found.first("", 0).name == one
    swap_pointer(folder, "best", one, bad)
    assert found.changed() is None
    assert found.changed() is None
    assert capsys.readouterr().out.count("does not change") == 1


def test_words(tmp_path, game):
    name = checkpoint(tmp_path, game, 3)
    path = tmp_path / game.key / "checkpoints" / name
    by_name = networks(tmp_path, game, name).first("", 0)
    by_path = networks(tmp_path, game, str(path)).first("", 0)
    body = (path / "model.safetensors").read_bytes()
    assert by_name.hash == by_path.hash == network_hash(body)
    assert networks(tmp_path, game, "none").first("", 0).network is None
    with pytest.raises(NoDataYet):
        networks(tmp_path / "none", game, "latest").first("", 0)
    with pytest.raises(NoDataYet):
        networks(tmp_path, game, str(tmp_path / "nowhere")).first("", 0)
    with pytest.raises(Misconfigured):
        networks(tmp_path, load_game("reversi", "hex8", 2), str(path)).first("", 0)
    (path / "model.safetensors").write_bytes(body[:-8])
    with pytest.raises(CorruptData):
        networks(tmp_path, game, name).first("", 0)
    fresh = [networks(tmp_path, game, "fresh").first("8x1", seed).network for seed in (1, 1, 2)]
    stems = [network.stem.weight for network in fresh]
    assert torch.equal(stems[0], stems[1])
    assert not torch.equal(stems[0], stems[2])


def test_games_say_which_network_played_them(run, command, game):
    models = command.folder / "models"
    one, two = (checkpoint(models, game, step) for step in (1, 2))
    folder = models / game.key
    swap_pointer(folder, "best", None, one)
    flags = ("--forever", "--sims", "2", "--batch-size", "4", "--dtype", "float32")
    codes = []

    def steer():
        command.wait_for(lambda status: status["extra"].get("durable", 0) > 4)
        swap_pointer(folder, "best", one, two)
        command.wait_for(lambda status: status["extra"].get("network") == two)
        seen = command.status()["extra"]["durable"]
        command.wait_for(lambda status: status["extra"]["durable"] > seen + 4)
        command.drain.touch()

    thread = threading.Thread(target=steer)
    thread.start()
    codes.append(run(*flags))
    thread.join()
    time.sleep(0)
    assert codes == [contract.EXIT_DONE]
    played = sorted(games_of(command.out), key=lambda each: each.start + each.duration_s)
    hashes = list(dict.fromkeys(each.network for each in played))
    assert [hash_[:8] for hash_ in hashes] == [one[-8:], two[-8:]]
    assert read_pointer(folder, "best") == two
