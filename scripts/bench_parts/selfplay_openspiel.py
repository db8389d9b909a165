"""OpenSpiel's Python MCTS with a constant evaluator, 32 simulations a move. Run by the peers' environment."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pyspiel
from open_spiel.python.algorithms import mcts

SIMULATIONS = 32
DRAWN_PLIES = 16


class Constant(mcts.Evaluator):
    def evaluate(self, state):
        return np.zeros(2)

    def prior(self, state):
        actions = state.legal_actions()
        return [(action, 1 / len(actions)) for action in actions]


def play(bot, game, chance):
    state, ply = game.new_initial_state(), 0
    while not state.is_terminal():
        root = bot.mcts_search(state)
        visits = np.array([child.explore_count for child in root.children], float)
        drawn = chance.choice(len(visits), p=visits / visits.sum())
        chosen = root.children[drawn] if ply < DRAWN_PLIES else root.best_child()
        state.apply_action(chosen.action)
        ply += 1


if __name__ == "__main__":
    games = int(sys.argv[1])
    game, chance = pyspiel.load_game("othello"), np.random.RandomState(0)
    bot = mcts.MCTSBot(
        game,
        1.25,
        SIMULATIONS,
        Constant(),
        random_state=chance,
        child_selection_fn=mcts.SearchNode.puct_value,
        dirichlet_noise=(0.25, 0.3),
    )
    play(bot, game, chance)
    began = time.process_time()
    for _ in range(games):
        play(bot, game, chance)
    print(json.dumps({"work": games, "cpu_s": time.process_time() - began}))
