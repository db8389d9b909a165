"""Choosing moves for many games at once: batched PUCT, the raw network, greedy and random play."""

from workers.search.choosing import choose
from workers.search.evaluators import (
    Evaluation,
    Evaluator,
    NetworkEvaluator,
    UniformEvaluator,
    by_seat,
)
from workers.search.forwarding import Manner, make_forward
from workers.search.naming import NETWORK_SEARCHES, SEARCHES, make_searcher
from workers.search.puct import PuctSearcher, PuctSettings, SearchInterrupted
from workers.search.randomness import keys_at
from workers.search.searcher import Searched, Searcher
from workers.search.simple import GreedySearcher, PolicySearcher, RandomSearcher

__all__ = [
    "NETWORK_SEARCHES",
    "SEARCHES",
    "Evaluation",
    "Evaluator",
    "GreedySearcher",
    "Manner",
    "NetworkEvaluator",
    "PolicySearcher",
    "PuctSearcher",
    "PuctSettings",
    "RandomSearcher",
    "SearchInterrupted",
    "Searched",
    "Searcher",
    "UniformEvaluator",
    "by_seat",
    "choose",
    "keys_at",
    "make_forward",
    "make_searcher",
]
