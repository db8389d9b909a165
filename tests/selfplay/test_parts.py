import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from workers.games import load_game  # noqa: E402
from workers.harness import Worker  # noqa: E402
from workers.records import Journal  # noqa: E402
from workers.search import UniformEvaluator  # noqa: E402
from workers.selfplay import history  # noqa: E402
from workers.selfplay.deciding import Decider, Decision  # noqa: E402
from workers.selfplay.finished import Origin, record_of  # noqa: E402
from workers.selfplay.probe import choose_pace  # noqa: E402
from workers.selfplay.progress import Progress  # noqa: E402
from workers.selfplay.seeds import Seeds, seeds_for  # noqa: E402
from workers.selfplay.slots import Slots  # noqa: E402

_ORIGIN = Origin("reversi", "square8", 2, "reversi/1", "random", "w")


def played(slots, decider, turns=10_000):
    """All games that end within so many turns."""
    games = []
    while slots.live and turns:
        _, ended = slots.turn(decider)
        games += [record_of(one, _ORIGIN, "") for one in ended]
        slots.refill()
        turns -= 1
    return games


def test_slots_are_refilled_and_every_game_begun_ends():
    game = load_game("reversi", "square8", 2)
    slots = Slots(game, 8, 30, Seeds("a"), game.max_moves)
    games = played(slots, Decider(game, "random", None))
    assert len(games) == slots.begun == 30
    assert {record.seed for record in games} == {Seeds("a").of(n) for n in range(30)}
    assert slots.live == 0


def test_no_more_are_begun_when_told():
    game = load_game("reversi", "square8", 2)
    slots = Slots(game, 8, None, Seeds("a"), game.max_moves)
    decider = Decider(game, "random", None)
    before = len(played(slots, decider, 70))
    slots.begin_no_more()
    assert before + len(played(slots, decider)) == slots.begun


def test_the_batch_shrinks_when_few_games_are_left(monkeypatch):
    monkeypatch.setattr(history, "_TURNS", 2)
    game = load_game("reversi", "hex8", 3)
    slots = Slots(game, 48, 72, Seeds("b"), game.max_moves)
    decider = Decider(game, "puct:2", UniformEvaluator(game))
    games = []
    sizes = set()
    while slots.live:
        _, ended = slots.turn(decider)
        games += [record_of(one, _ORIGIN._replace(players=3), "") for one in ended]
        slots.refill()
        sizes.add(slots.size)
    assert len(games) == 72
    assert min(sizes) == 24
    for record in games:
        targets = [v is None for v in record.visits]
        assert targets == [move < 0 for move in record.moves]
        assert len(record.values) == record.plies


def test_seeds_differ_by_run_worker_and_number():
    families = [
        seeds_for("r", "u", "n", None),
        seeds_for("r", "v", "n", None),
        seeds_for("s", "u", "n", None),
        seeds_for("r", "u", "n", 1),
        seeds_for("r", "u", "m", 1),
    ]
    seen = {family.of(number) for family in families for number in range(1000)}
    assert len(seen) == 5000
    assert all(0 <= seed < 2**63 for seed in seen)
    assert seeds_for("r", "u", "n", 1).of(7) == seeds_for("x", "y", "n", 1).of(7)


def test_what_was_not_searched_is_no_target():
    kept = history.History(2, 2, 5)
    none = torch.zeros(2, dtype=torch.bool)
    weights = torch.tensor([[0, 3, 0, 0, 1.0], [2, 0, 0, 2, 0]])
    for turn in range(70):
        decision = Decision(torch.tensor([1, 3]), weights, None, none, 0, 0)
        kept.note(np.full(2, turn), decision, torch.zeros(2, dtype=torch.int64))
    assert kept.column("weights", 0, 70) is None
    assert kept.column("values", 0, 70) is None
    assert kept.column("moves", 1, 70).tolist() == [3] * 70


def test_rates_are_of_the_last_minute_and_nothing_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("QD_METRICS", str(tmp_path / "metrics.jsonl"))
    clock = [0.0]
    worker = Worker("game")
    journal = Journal(tmp_path, "square8", 2, "w")
    progress = Progress(worker, journal, 2, None, tmp_path, clock=lambda: clock[0])
    record = played(Slots(load_game("reversi", "square8", 2), 1, 1, Seeds("c"), 500),
                    Decider(load_game("reversi", "square8", 2), "random", None))[0]  # fmt: skip
    progress.say("", now=True)
    assert worker._extra["games_per_s_1min"] is None
    assert worker._extra["truncation_rate"] is None
    for second in range(1, 201):
        clock[0] = float(second)
        for _ in range(1 if second <= 100 else 3):
            progress.count_game(record)
        progress.say("")
    assert worker._extra["games_per_s_1min"] == pytest.approx(3, abs=0.1)
    assert worker._extra["games_per_s"] == pytest.approx(2, abs=0.1)
    journal.close()
    points = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    rates = [point["value"] for point in points if point["name"] == "selfplay/games_per_s"]
    assert len(rates) == 20
    assert rates[-1] == pytest.approx(3, abs=0.1)


def test_the_probe_finds_something_and_keeps_to_what_was_asked():
    game = load_game("reversi", "square8", 2)
    found = choose_pace(game, "random", None, None, "auto", 100)
    assert found.batch <= 100
    assert len(found.rates) == 2
    assert choose_pace(game, "random", None, 7, "auto", None) == (7, found.manner, ())
    from workers.network.architecture import Architecture
    from workers.network.network import build

    network = build(game, Architecture(4, 1, 4))
    probed = choose_pace(game, "puct:8", network, 16, "auto", None)
    assert probed.batch == 16
    assert {rate[1].dtype for rate in probed.rates} == {torch.float32, torch.bfloat16}
    fixed = choose_pace(game, "puct:8", network, 16, "bfloat16", None)
    assert fixed.manner.dtype == torch.bfloat16
