"""Ways of choosing by their names, as users, records and match logs write them."""

from workers.games.game import TensorGame
from workers.harness import Misconfigured
from workers.search.evaluators import Evaluator
from workers.search.puct import PuctSearcher, PuctSettings
from workers.search.searcher import Searcher
from workers.search.simple import GreedySearcher, PolicySearcher, RandomSearcher

NETWORK_SEARCHES = ("puct", "policy")
SEARCHES = (*NETWORK_SEARCHES, "random", "greedy")


def make_searcher(name: str, game: TensorGame, evaluate: Evaluator | None) -> Searcher:
    """`puct:32` (or `puct`), `policy`, `random`, `greedy`. Raises Misconfigured for another name, and where
    a network's search is given none."""
    kind, _, number = name.partition(":")
    if kind not in SEARCHES or (number and kind != "puct"):
        raise Misconfigured(
            f"no search is called {name!r}; there are puct:N, policy, random, greedy"
        )
    if kind == "random":
        return RandomSearcher(game)
    if kind == "greedy":
        return GreedySearcher(game)
    if evaluate is None:
        raise Misconfigured(f"{name} needs a network")
    if kind == "policy":
        return PolicySearcher(game, evaluate)
    return PuctSearcher(game, evaluate, PuctSettings(simulations=_simulations(name, number)))


def _simulations(name: str, number: str) -> int:
    if not number:
        return PuctSettings().simulations
    if not number.isdigit() or not 0 < int(number) < 65536:  # visits are recorded as 16 bits
        raise Misconfigured(f"{name!r}: simulations are a number from 1 to 65535")
    return int(number)
