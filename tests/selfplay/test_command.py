import errno

import pytest

from workers import contract
from workers.games import load_game
from workers.games.replay import replay
from workers.records import Journal, count, decode_visits, list_shards, read_shard


def games_of(out):
    return [game for shard in list_shards(out) for game in read_shard(shard.path)]


@pytest.mark.parametrize(
    ("board", "players", "search"),
    [
        ("square8", 2, "random"),
        ("hex8", 3, "greedy"),
        ("square8", 4, "policy"),
        ("hex8", 2, "puct"),
    ],
)
def test_it_plays_what_it_is_asked_and_says_so(run, command, board, players, search):
    code = run(
        "--board", board, "--num-players", str(players), "--search", search, "--sims", "3",
        "--num-games", "12", "--net", "fresh", "--architecture", "8x1", "--dtype", "float32",
    )  # fmt: skip
    assert code == contract.EXIT_DONE
    games, status = games_of(command.out), command.status()
    assert len(games) == status["done"] == status["total"] == 12
    assert {game.game for game in games} == {"reversi"}
    rules = load_game("reversi", board, players)
    played = replay(rules, [game.moves for game in games])
    assert set(played.faults) == {None}
    assert all(played.done)
    assert [list(game.scores) for game in games] == rules.scores(played.state).t().tolist()
    extra = status["extra"]
    assert extra["produced"] == extra["durable"] == extra["sealed"] == 12
    assert sum(extra["wins_per_seat"]) == pytest.approx(12, abs=0.1)
    assert extra["output"] == str(command.out)
    assert (extra["truncation_rate"], status["unit"], status["health"]) == (0, "game", "ok")
    assert status["phase"] == "done"
    assert extra["batch_fill"] > 0.4
    assert (extra["evaluations_per_s"] > 0) == (search in ("policy", "puct"))
    searched = all(
        (visits is None) == (move < 0 or search != "puct")
        for game in games
        for visits, move in zip(game.visits or (None,) * game.plies, game.moves, strict=True)
    )
    assert searched
    if search == "puct":
        first = decode_visits(games[0].visits[0])
        assert sum(weight for _, weight in first) == 3
        assert games[0].network == "fresh"
        assert games[0].search == "puct:3"


def test_the_same_seed_is_the_same_games_and_another_worker_has_others(run, command, monkeypatch):
    def ids(name, seed=None, search=("--search", "random")):
        monkeypatch.setenv("QD_WORKER", name)
        seeded = ("--seed", seed) if seed else ()
        flags = ("--num-games", "8", "--batch-size", "8", *search)
        assert run(*flags, *seeded) == 0
        return {game.id for game in games_of(command.out)}

    puct = ("--net", "none", "--sims", "2")
    first = ids("selfplay-1", "5", puct)
    again = ids("selfplay-1", "5", puct)
    assert len(first) == 8
    assert again == first
    assert len(ids("selfplay-2", "5")) == 16
    assert len(ids("selfplay-1")) == 24
    assert len(ids("selfplay-1")) == 32


def test_games_are_the_same_whatever_the_batch(run, command):
    found = []
    for batch in ("16", "5"):
        assert run("--num-games", "16", "--batch-size", batch, "--search", "random", "--seed", "1") == 0  # fmt: skip
        found.append({game.id for game in games_of(command.out)})
    assert len(found[0]) == 16
    assert found[0] == found[1]


def test_without_a_network_it_waits(run, command):
    assert run("--num-games", "2") == contract.EXIT_WAITING
    status = command.status()
    assert "no best network yet" in status["blocked_because"]
    assert str(command.folder / "models" / "square8_2p") in status["blocked_because"]
    assert count(command.out).records == 0


@pytest.mark.parametrize(
    "flags",
    [
        ("--search", "alphabeta"),
        ("--game", "chess"),
        ("--board", "square9"),
        ("--num-games", "0"),
        ("--batch-size", "-3", "--net", "none"),
        ("--threads", "many"),
        ("--playout-cap", "2:1", "--net", "none"),
        ("--device", "abacus"),
        ("--fsync", "sometimes", "--search", "random"),
        ("--nonsense",),
        ("--sims", "70000", "--net", "none"),
        ("--command", "play {board}"),
    ],
)
def test_what_cannot_be_is_refused(run, flags):
    assert run(*flags) == contract.EXIT_CONFIGURATION


def test_a_full_disk_ends_it(run, command, monkeypatch):
    def full(self, record):
        raise OSError(errno.ENOSPC, "No space left on device", "games")

    monkeypatch.setattr(Journal, "append", full)
    assert run("--search", "random", "--num-games", "4") == contract.EXIT_NO_DISK
    assert "No space" in command.status()["message"]


def test_games_are_cut_off_where_they_are_asked_to(run, command):
    assert run("--search", "random", "--num-games", "6", "--max-moves", "20") == 0
    games = games_of(command.out)
    assert {game.termination for game in games} == {"max_moves"}
    assert all(20 <= game.plies <= 21 for game in games)
    assert command.status()["extra"]["truncation_rate"] == 1
    played = replay(load_game("reversi", "square8", 2), [game.moves for game in games])
    assert set(played.faults) == {None}


def test_ataxx_is_cut_off_by_its_own_rules(run, command):
    flags = ("--game", "ataxx", "--board", "square7", "--search", "random", "--num-games", "40")
    assert run(*flags) == 0
    assert {game.game for game in games_of(command.out)} == {"ataxx"}


def test_with_a_playout_cap_only_full_searches_are_targets(run, command):
    flags = ("--net", "none", "--num-games", "8", "--sims", "6", "--playout-cap", "0.25:2")
    assert run(*flags) == 0
    games = games_of(command.out)
    assert {game.search for game in games} == {"puct:6, cap 0.25:2"}
    moves = [v for game in games for v, m in zip(game.visits, game.moves, strict=True) if m >= 0]
    share = sum(v is not None for v in moves) / len(moves)
    assert 0.15 < share < 0.35
    full = {sum(weight for _, weight in decode_visits(v)) for v in moves if v}
    assert full == {6}


def test_games_of_a_command_are_kept_like_ours(run, command):
    script = command.folder / "play.py"
    script.write_text(
        "import json, sys\n"
        "games, seed, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]\n"
        "with open(out, 'w') as file:\n"
        "    for n in range(games):\n"
        "        file.write(json.dumps({'moves': [n, seed % 7], 'scores': [1, 0]}) + '\\n')\n"
    )
    import sys

    line = f"{sys.executable} {script} {{games}} {{seed}} {{out}}"
    flags = ("--game", "nim", "--board", "heap", "--batch-size", "4", "--num-games", "10")
    assert run("--command", line, *flags) == 0
    games = games_of(command.out)
    assert len(games) == command.status()["extra"]["sealed"] == 10
    assert {(game.game, game.rules, game.winners) for game in games} == {("nim", "nim/external", (0,))}  # fmt: skip
    assert (command.out / "heap_2p").is_dir()
    assert run("--command", f"{sys.executable} -c 1 {{out}}", *flags) == contract.EXIT_CORRUPT_DATA
