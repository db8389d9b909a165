"""alpha-zero-general from a checkout, with its own network of 64 channels; ours asks the very same network.

`python -m scripts.bench_parts.selfplay_azg peer|ours PATH` is one measurement; it runs with our torch.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import types
from pathlib import Path
from typing import Any

from scripts.bench_parts.peers import interleaved, ours
from scripts.bench_parts.table import Row, times, verdict

SIMULATIONS = 25
CHANNELS = 64
BATCH = 256
PEER_GAMES = 3
DRAWN_PLIES = 15
FLOOR = 5.0
_WHAT = f"search self-play, alpha-zero-general's network, {SIMULATIONS} simulations"
_NOTE = (
    f"one pinned core, taking turns, two rounds, CPU-seconds; the same network of {CHANNELS} channels, "
    f"float32; the peer plays one game at a time, ours batch {BATCH}"
)


def run(checkout: str | None) -> list[Row]:
    """Its row; without a checkout, one that says how to have it."""
    target = f"≥ {FLOOR:g} ×, better 20 ×"
    if checkout is None:
        return [Row(_WHAT, target=target, verdict="skipped", note="needs --azg PATH, a checkout")]
    if not (Path(checkout) / "othello" / "pytorch" / "NNet.py").is_file():
        raise SystemExit(f"--azg {checkout!r}: no checkout of alpha-zero-general is there")
    folder = str(Path(checkout).resolve())
    found = interleaved({who: ours("selfplay_azg", who, folder) for who in ("ours", "peer")})
    ratio = found["ours"].rate / found["peer"].rate
    return [
        Row(
            _WHAT,
            found["ours"].text("games/s", 2),
            f"{found['peer'].text('games/s', 3)} alpha-zero-general",
            times(ratio),
            target,
            verdict(ratio >= FLOOR),
            _NOTE,
        )
    ]


def _peer(checkout: str) -> tuple[Any, Any, Any]:
    """Its game, its network's wrapper, and its search."""
    sys.path.insert(0, checkout)
    sys.modules.setdefault("tqdm", types.SimpleNamespace(tqdm=iter))  # type: ignore[arg-type]
    wrapper = importlib.import_module("othello.pytorch.NNet")
    wrapper.args.update(num_channels=CHANNELS, cuda=False)
    game = importlib.import_module("othello.OthelloGame").OthelloGame(8)
    return game, wrapper.NNetWrapper(game), importlib.import_module("MCTS").MCTS


def _play_peer(checkout: str) -> tuple[int, float]:
    import numpy as np

    game, network, search = _peer(checkout)
    settings = importlib.import_module("utils").dotdict(numMCTSSims=SIMULATIONS, cpuct=1.0)
    chance = np.random.RandomState(0)
    began = time.process_time()
    for _ in range(PEER_GAMES):
        tree, board, player, ply = search(game, network, settings), game.getInitBoard(), 1, 0
        while game.getGameEnded(board, player) == 0:
            seen = game.getCanonicalForm(board, player)
            chances = tree.getActionProb(seen, temp=int(ply < DRAWN_PLIES))
            move = chance.choice(len(chances), p=np.asarray(chances, float) / sum(chances))
            board, player = game.getNextState(board, player, move)
            ply += 1
    return PEER_GAMES, time.process_time() - began


def _play_ours(checkout: str) -> tuple[int, float]:
    import torch

    from scripts.bench_parts.selfplay_ours import whole_games
    from workers.games import load_game
    from workers.search import NetworkEvaluator, PuctSearcher, PuctSettings

    game = load_game("reversi", "square8", 2)
    network = _peer(checkout)[1].nnet.eval()

    def forward(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, value = network(features[:, 0] - features[:, 1])  # mine 1, theirs -1
        return logits, torch.cat((value, -value), 1)

    searcher = PuctSearcher(
        game, NetworkEvaluator(game, forward), PuctSettings(SIMULATIONS, exploration=1.0)
    )
    searcher.search(game.init(BATCH))
    began = time.process_time()
    whole_games(game, searcher, BATCH)
    return BATCH, time.process_time() - began


if __name__ == "__main__":
    import torch

    from workers.harness import tune_allocator

    torch.set_num_threads(1)
    tune_allocator()
    games, taken = (_play_peer if sys.argv[1] == "peer" else _play_ours)(sys.argv[2])
    print(json.dumps({"work": games, "cpu_s": taken}))
