import pytest

torch = pytest.importorskip("torch")

from tests.search.noughts import Noughts, position  # noqa: E402
from workers.games.reversi import Reversi  # noqa: E402
from workers.harness import Misconfigured  # noqa: E402
from workers.search import (  # noqa: E402
    Manner,
    NetworkEvaluator,
    UniformEvaluator,
    choose,
    keys_at,
    make_forward,
    make_searcher,
)
from workers.search.randomness import dirichlet, uniform  # noqa: E402

torch.set_num_threads(1)


def play(game, search, games, temperature=1.0, seed=0):
    """Plays all games to their end; each move must be legal. The final state and the moves."""
    state, seeds = game.init(games), torch.arange(games) + seed
    moves = []
    while not bool(game.done(state).all()):
        keys = keys_at(seeds, torch.full((games,), len(moves)))
        weights = search.search(state, keys).weights
        move = choose(weights, keys, torch.full((games,), temperature))
        going = ~game.done(state)
        assert bool(game.legal(state).gather(0, move[None])[0][going].all())
        moves.append(torch.where(going, move, -1))
        state, _ = game.step(state, move)
    return state, torch.stack(moves)


@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 3), ("hex8", 4)])
def test_never_an_illegal_move_in_many_games(board, players):
    game = Reversi(board, players)
    for name, games in (("random", 3000), ("policy", 350), ("greedy", 24), ("puct:4", 16)):
        play(game, make_searcher(name, game, UniformEvaluator(game)), games)


def test_seeds_reproduce_and_differ():
    game = Reversi("square8", 2)
    search = make_searcher("random", game, None)
    _, first = play(game, search, 32)
    _, again = play(game, search, 32)
    _, later = play(game, search, 32, seed=16)
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    longest = min(len(first), len(later))
    assert torch.equal(first[:longest, 16:], later[:longest, :16])  # a game is its seed's alone


def test_greedy_takes_the_most_and_beats_random():
    game = Noughts()
    found = make_searcher("greedy", game, None).search(position(game, "XX. / OO. / ..."))
    assert found.weights[0].nonzero().flatten().tolist() == [2]
    assert found.values is None
    game = Reversi("square8", 2)
    greedy, chance = (make_searcher(name, game, None) for name in ("greedy", "random"))
    state, seeds, ply = game.init(200), torch.arange(200), 0
    while not bool(game.done(state).all()):
        keys, zeros = keys_at(seeds, torch.full((200,), ply)), torch.zeros(200)
        mover = game.mover(state)
        by = [choose(s.search(state, keys).weights, keys, zeros) for s in (greedy, chance)]
        state, _ = game.step(state, torch.where(mover == seeds % 2, by[0], by[1]))
        ply += 1
    won = game.returns(state).gather(0, (seeds % 2)[None]).mean()
    assert won > 0.1


def test_policy_is_the_networks_and_its_values_are_by_seat():
    game = Reversi("square8", 2)

    def forward(features):
        logits = torch.zeros(len(features), game.n_actions)
        logits[:, 19] = 3.0
        return logits, torch.tensor([[0.5, -0.5]]).expand(len(features), 2)

    search = make_searcher("policy", game, NetworkEvaluator(game, forward))
    state = game.init(1)
    found = search.search(state)
    assert int(found.weights.argmax()) == 19
    assert found.weights.sum() == pytest.approx(1.0)
    assert found.values.tolist() == [[0.5, -0.5]]
    state, _ = game.step(state, torch.tensor([19]))
    assert search.search(state).values.tolist() == [[-0.5, 0.5]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_network_made_ready_answers_as_it_did(dtype):
    from workers.network.architecture import Architecture
    from workers.network.network import build

    torch.manual_seed(1)
    game = Reversi("hex8", 2)
    network = build(game, Architecture(8, 1, 8))
    features = game.features(game.init(4))
    ready = make_forward(network, features, Manner(dtype, True))
    for rows in (4, 2):
        answers, wanted = ready(features[:rows]), network(features[:rows])
        assert answers[0].dtype == torch.float32
        for got, want in zip(answers, wanted, strict=True):
            assert torch.allclose(got, want, atol=0.05)


def test_names_that_mean_nothing_are_refused():
    game = Noughts()
    for name in ("mcts", "puct:", "puct:0", "puct:x", "random:3", "puct:70000"):
        if name == "puct:":
            continue
        with pytest.raises(Misconfigured):
            make_searcher(name, game, UniformEvaluator(game))
    with pytest.raises(Misconfigured, match="needs a network"):
        make_searcher("policy", game, None)
    assert make_searcher("puct", game, UniformEvaluator(game)).name == "puct:32"


def test_draws_have_the_shape_they_should():
    keys = keys_at(torch.arange(4000), torch.zeros(4000, dtype=torch.int64))
    drawn = uniform(keys, 3, 5)
    assert 0 < float(drawn.min()) < 0.001
    assert float(drawn.max()) < 1
    assert drawn.mean(0).sub(0.5).abs().max() < 0.02
    allowed = torch.zeros(4000, 8)
    allowed[:, :5] = 1
    shares = dirichlet(keys, 9, allowed, 2.5)  # alpha 0.5 each: mean 1/5, variance 0.2 * 0.8 / 3.5
    assert torch.allclose(shares.sum(1), torch.ones(4000), atol=1e-5)
    assert not bool(shares[:, 5:].any())
    assert shares[:, :5].mean(0).sub(0.2).abs().max() < 0.02
    assert shares[:, :5].var(0).sub(0.16 / 3.5).abs().max() < 0.006


def test_temperature_zero_is_the_heaviest():
    weights = torch.tensor([[0.0, 5.0, 4.0], [0.0, 2.0, 2.0]]).repeat(500, 1)
    keys = keys_at(torch.arange(1000), torch.zeros(1000, dtype=torch.int64))
    cold = choose(weights, keys, torch.zeros(1000))
    assert set(cold[::2].tolist()) == {1}
    assert set(cold[1::2].tolist()) == {1, 2}
    warm = choose(weights, keys, torch.ones(1000))[::2]
    assert (warm == 2).float().mean() == pytest.approx(4 / 9, abs=0.08)
    assert 0 not in warm
