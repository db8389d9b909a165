"""Games to learn from: played by chance, with visits that prefer the lowest legal cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from workers.games.loading import load_game
from workers.records.journal import Journal
from workers.records.record import GameRecord, encode_visits, game_id

KEY = "square8_2p"


def played(count: int, seed: int = 1, board: str = "square8", players: int = 2) -> list[GameRecord]:
    """``count`` games to their end."""
    game: Any = load_game("reversi", board, players)
    chance = torch.Generator().manual_seed(seed)
    state = game.init(count)
    moves: list[list[int]] = [[] for _ in range(count)]
    visits: list[list[str | None]] = [[] for _ in range(count)]
    while not bool(game.done(state).all()):
        legal = game.legal(state)
        over = game.done(state)
        weights = legal.t().float()
        weights[over, 0] = 1.0
        actions = torch.multinomial(weights, 1, generator=chance)[:, 0]
        state, passes = game.step(state, actions)
        for number in torch.nonzero(~over).flatten().tolist():
            there = torch.nonzero(legal[:, number]).flatten().tolist()
            forced = int(passes[number])
            moves[number] += [int(actions[number]), *[-1] * forced]
            pairs = [(cell, 30 if cell == there[0] else 1) for cell in there]
            visits[number] += [encode_visits(pairs), *[None] * forced]
    scores = game.scores(state).t().tolist()
    return [
        record(seed * 1000 + number, moves[number], visits[number], scores[number], board)
        for number in range(count)
    ]


def record(
    seed: int, moves: list[int], visits: list[str | None], scores: list[int], board: str = "square8"
) -> GameRecord:
    """As self-play writes it; each searched move has a root value."""
    players = len(scores)
    winners = tuple(seat for seat, score in enumerate(scores) if score == max(scores))
    nothing = (0.0,) * players
    return GameRecord(
        version=1,
        id=game_id("reversi", board, players, "reversi/1", moves),
        game="reversi",
        board=board,
        players=players,
        rules="reversi/1",
        seed=seed,
        moves=tuple(moves),
        visits=tuple(visits),
        values=tuple(None if move == -1 else nothing for move in moves),
        scores=tuple(scores),
        winners=winners,
        termination="natural",
        plies=len(moves),
        network="",
        search="puct:32",
        worker="tests",
        start=0.0,
        duration_s=1.0,
    )


def write(out: Path, records: list[GameRecord], worker: str = "tests") -> Path:
    """One sealed shard."""
    first = records[0]
    journal = Journal(out, first.board, first.players, worker, fsync="none")
    for found in records:
        journal.append(found)
    journal.close()
    (shard,) = journal.shards
    return shard
