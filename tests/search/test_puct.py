import pytest

torch = pytest.importorskip("torch")

from tests.search.noughts import Noughts, position  # noqa: E402
from workers.games.reversi import Reversi  # noqa: E402
from workers.games.state import cat, take  # noqa: E402
from workers.search import (  # noqa: E402
    Evaluation,
    PuctSearcher,
    PuctSettings,
    SearchInterrupted,
    UniformEvaluator,
    choose,
    keys_at,
)

torch.set_num_threads(1)


def searcher(game, simulations=32, **settings):
    return PuctSearcher(game, UniformEvaluator(game), PuctSettings(simulations, **settings))


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        ("XX. / OO. / ...", 2),  # wins at once
        ("XX. / O.. / ...", 2),  # the other must not
        ("X.. / .O. / ..X", None),  # a corner loses, an edge does not
        ("X.. / O.. / ...", None),  # a forced win in three: any but the wrong ones
    ],
)
def test_it_finds_what_is_forced(rows, best):
    game = Noughts()
    state = position(game, rows)
    found = searcher(game, 600).search(state)
    move = int(found.weights.argmax())
    if best is not None:
        assert move == best
    if rows.startswith("X.. / .O."):
        assert move in (1, 3, 5, 7)
    if rows.startswith("X.. / O.."):
        assert found.values[0, 0] > 0.6
        assert found.values[0, 1] == -found.values[0, 0]


def test_a_good_beginning_searched_to_its_end_is_a_draw():
    game = Noughts()
    state, search = position(game, "O.. / .X. / ..."), searcher(game, 400)
    while not bool(game.done(state).all()):
        state, _ = game.step(state, search.search(state).weights.argmax(1))
    assert game.scores(state).sum() == 0


def test_all_simulations_are_visits_of_the_root_and_none_is_illegal():
    game = Reversi("square8", 2)
    state = game.init(5)
    found = searcher(game, 48).search(state, keys_at(torch.arange(5), torch.zeros(5).long()))
    assert found.weights.sum(1).tolist() == [48.0] * 5
    assert not bool(found.weights[~game.legal(state).t()].any())
    assert found.evaluations == found.asked == 5 * 49


def test_symmetric_positions_get_symmetric_policies():
    game = Reversi("square8", 2)
    found = searcher(game, 40).search(game.init(1)).weights[0]
    played = found[found > 0]
    assert len(played) == 4
    assert played.max() - played.min() <= 1
    game = Noughts()
    state = cat([position(game, "X.. / ... / ..."), position(game, "..X / ... / ...")])
    left, right = searcher(game, 2000).search(state).weights
    mirrored = right.view(3, 3).flip(1).flatten()
    assert float((left - mirrored).abs().max()) < 0.05 * 2000
    assert left.argmax() == mirrored.argmax() == 4


def test_a_game_is_searched_alike_whatever_its_neighbours():
    game = Reversi("hex8", 3)
    state, search = game.init(6), searcher(game, 24)
    seeds = torch.arange(6) * 7919
    for ply in range(6):
        keys = keys_at(seeds, torch.full((6,), ply))
        together = search.search(state, keys)
        alone = searcher(game, 24).search(take(state, torch.tensor([4])), keys[4:5])
        assert torch.equal(together.weights[4:5], alone.weights)
        moves = choose(together.weights, keys, torch.ones(6))
        state, _ = game.step(state, moves)


def test_noise_needs_keys_and_differs_by_key():
    game, state = Reversi("square8", 2), Reversi("square8", 2).init(3)
    search = searcher(game, 64, noise_share=0.5)
    plain = search.search(state).weights
    noisy = search.search(state, torch.tensor([1, 1, 2])).weights
    assert torch.equal(plain[0], plain[1])
    assert torch.equal(noisy[0], noisy[1])
    assert not torch.equal(noisy[0], noisy[2])


def test_every_seat_plays_for_itself():
    """Three seats: the mover at the root takes what is good for it, by values of all three."""
    game = Reversi("square8", 3)

    def evaluate(states):
        scores = game.scores(states).t().float()
        values = torch.tanh((scores - scores.mean(1, keepdim=True)) / 4)
        movers = game.mover(states)
        order = (movers[:, None] + torch.arange(3)) % 3
        zeros = torch.zeros(len(movers), game.n_actions)
        return Evaluation(zeros, values.gather(1, order))

    state = game.init(1)
    for _ in range(7):
        state, _ = game.step(state, game.legal(state).byte().argmax(0))
    mover = int(game.mover(state))
    found = PuctSearcher(game, evaluate, PuctSettings(300)).search(state)
    chosen, _ = game.step(state, found.weights.argmax(1))
    gains = []
    for move in game.legal(state)[:, 0].nonzero()[:, 0]:
        after, _ = game.step(state, move[None])
        gains.append(int(game.scores(after)[mover, 0]))
    assert int(game.scores(chosen)[mover, 0]) >= sorted(gains)[len(gains) // 2]
    assert found.values.sum().abs() < 0.5


def test_games_that_end_within_the_tree_are_counted_as_no_evaluation():
    game = Noughts()
    found = searcher(game, 50).search(position(game, "XXO / OOX / X.."))
    assert found.asked == 51
    assert found.evaluations < 20


def test_a_search_can_be_given_up():
    game = Noughts()
    search, asked = searcher(game, 1000), []
    search.interrupted = lambda: len(asked) > 4 or asked.append(1)
    with pytest.raises(SearchInterrupted):
        search.search(game.init(2))
    assert len(asked) == 5
