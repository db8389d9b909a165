"""Players by words: ``random``, ``greedy``, ``positional``, ``mcts:N``, ``policy:CKPT``, ``puct:N:CKPT``."""

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from workers.evaluation.participant import Participant
from workers.evaluation.positional import PositionalSearcher
from workers.evaluation.rollouts import mcts
from workers.games import State, TensorGame, take
from workers.harness import Misconfigured, NoDataYet
from workers.network.checkpoint import Loaded, load_checkpoint
from workers.network.fallback import load_pointed
from workers.network.places import checkpoint_path, is_checkpoint_name
from workers.network.pointers import POINTERS
from workers.search import NetworkEvaluator, Searcher, choose, make_searcher

WORDS = "random, greedy, positional, mcts:N, policy:CKPT, puct:N:CKPT (CKPT: a checkpoint's name, latest or best)"
_CALL_S = 1.0  # a call of a searcher cannot be interrupted: it should not last longer
_FIRST_GAMES = 32


class Player:
    """Makes the move with the largest weight, a draw among equals; nothing else is left to chance.

    ``checkpoint`` is the name of its network's checkpoint, "" without one.
    """

    def __init__(self, participant: Participant, searcher: Searcher, checkpoint: str = "") -> None:
        self.participant = participant
        self.checkpoint = checkpoint
        self._searcher = searcher
        self._at_once = _FIRST_GAMES

    @torch.inference_mode()
    def choose(self, states: State, keys: Tensor, stop: Callable[[], bool]) -> Tensor | None:
        """int64 [B]: its moves, from the games' keys int64 [B]; None where ``stop`` became true meanwhile."""
        moves = []
        at = 0
        while at < len(keys):
            if stop():
                return None
            index = torch.arange(at, min(len(keys), at + self._at_once), device=keys.device)
            began = time.monotonic()
            weights = self._searcher.search(take(states, index)).weights
            moves.append(choose(weights, keys[index], weights.new_zeros(len(index))))
            self._pace(len(index), time.monotonic() - began)
            at += len(index)
        return torch.cat(moves)

    def _pace(self, games: int, seconds: float) -> None:
        """How many games the next call is about, from what the last one took."""
        if seconds > _CALL_S:
            self._at_once = max(1, int(games * _CALL_S / seconds))
        elif games == self._at_once and seconds < _CALL_S / 4:
            self._at_once *= 2


def load(
    word: str, game: TensorGame, folder: Path, say: Callable[[str], None], seed: int = 0
) -> Player:
    """The player called ``word``; networks lie below ``folder``, the models of this configuration.

    Raises Misconfigured for another word, NoDataYet where there is no such network yet, and CorruptData.
    """
    kind, *rest = word.split(":")
    if kind in ("policy", "puct"):
        *numbers, checkpoint = rest or [""]
        return of_network(
            ":".join([kind, *numbers]), load_network(checkpoint, game, folder, say), game
        )
    if kind == "mcts" and len(rest) == 1 and rest[0].isdigit() and int(rest[0]) > 0:
        return Player(Participant("", word), mcts(game, int(rest[0]), seed))
    if word == "positional":
        return Player(Participant("", word), PositionalSearcher(game))
    if word in ("random", "greedy"):
        return Player(Participant("", word), make_searcher(word, game, None))
    raise Misconfigured(f"no player is called {word!r}; there are {WORDS}")


def of_network(search: str, loaded: Loaded, game: TensorGame) -> Player:
    """``search`` is "policy" or "puct:N". Raises Misconfigured for another."""
    evaluator = NetworkEvaluator(game, loaded.network)
    searcher = make_searcher(search, game, evaluator)
    return Player(Participant(loaded.hash, searcher.name), searcher, loaded.name)


def load_network(
    checkpoint: str, game: TensorGame, folder: Path, say: Callable[[str], None]
) -> Loaded:
    """``checkpoint``: ``latest``, ``best`` or a name. A damaged one that a pointer names is replaced by the
    good one before it, and said. Raises NoDataYet, CorruptData, Misconfigured."""
    device = game.action_plane().device

    def read(path: Path) -> Loaded:
        return load_checkpoint(path, game, device)

    if checkpoint in POINTERS:
        found = load_pointed(folder, checkpoint, read, say)
        if found is None:
            raise NoDataYet(f"{folder}: there is no {checkpoint} network yet")
        return found
    if not is_checkpoint_name(checkpoint):
        raise Misconfigured(f"{checkpoint!r} is no checkpoint's name, latest or best")
    path = checkpoint_path(folder, checkpoint)
    if not path.is_dir():
        raise NoDataYet(f"{path}: there is no such checkpoint")
    return read(path)
