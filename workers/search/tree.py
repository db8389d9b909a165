"""The trees of many games, one tensor a property. A game's node is a row: ``node × games + game``.

Nothing is cleared between searches: a row is written as a whole when its node is made.
"""

import torch
from torch import Tensor

from workers.games.game import TensorGame
from workers.games.state import State, empty_like, take

_LOOK_EVERY = {"cpu": 1}  # levels between two looks whether all games are at a leaf
_LOOK_ELSEWHERE = 4  # a look at a GPU waits for it
_ABOVE = 2.0  # added to all values: scores stay positive, and positive floats sort as their bits do

Path = list[Tensor]
"""The rows of all games, a level each, int64 [B]; a game that reached its leaf stays there."""


class Tree:
    """Up to ``nodes`` nodes for each of up to ``games`` games.

    A move's score is q + c · √N · lean: q is its mean value to the mover, or the first-play value while it
    is untried; N counts the node's visits; lean is prior / (1 + visits of the move). The best move of each
    node is kept, since it changes only where a visit passed: the way down needs no arithmetic.
    """

    def __init__(self, game: TensorGame, games: int, nodes: int, exploration: float) -> None:
        sample = game.init(1)
        rows, actions, device = games * nodes, game.n_actions, sample[0].device
        self._exploration = exploration
        self._players = game.players
        self._actions = actions
        self._look_every = _LOOK_EVERY.get(device.type, _LOOK_ELSEWHERE)
        self._scores = torch.empty(rows, 2, actions, device=device)  # q + 2 and lean of each move
        self._visits = torch.empty(rows, actions, dtype=torch.int32, device=device)
        self._children = torch.empty(rows, actions, dtype=torch.int32, device=device)  # 0: none yet
        self._total = torch.empty(rows, device=device)
        self._best = torch.empty(rows, dtype=torch.int64, device=device)
        self._next = torch.empty(rows, dtype=torch.int64, device=device)  # itself at a leaf
        self._seat = torch.empty(rows, dtype=torch.int64, device=device)  # game × players + mover
        self._open = torch.empty(rows, dtype=torch.bool, device=device)  # the game goes on here
        self._states = empty_like(sample, rows)
        self._numbers = torch.arange(games, device=device)
        self._low = (1 << max(1, (actions - 1).bit_length())) - 1
        self._labels = torch.arange(actions, dtype=torch.int32, device=device)

    def write(
        self,
        node: int,
        states: State,
        movers: Tensor,
        over: Tensor,
        legal: Tensor,
        priors: Tensor,
        first_play: Tensor,
    ) -> None:
        """Makes node number ``node`` of all B games.

        movers int64 [B]; over bool [B]; legal float32 [B, A] of 0 and 1; priors float32 [B, A], 0 where a
        move is illegal; first_play float32 [B], the value of an untried move in [-2, 1].
        """
        games = len(movers)
        here = slice(node * games, (node + 1) * games)
        numbers = self._numbers[:games]
        for kept, given in zip(self._states, states, strict=True):
            kept[..., here] = given
        scores = self._scores[here]
        torch.mul(legal, (first_play + _ABOVE)[:, None], out=scores[:, 0])
        scores[:, 1] = priors
        self._visits[here] = 0
        self._children[here] = 0
        self._total[here] = 1.0
        self._best[here] = self._highest(torch.add(scores[:, 0], priors, alpha=self._exploration))
        self._next[here] = numbers + node * games
        self._seat[here] = numbers * self._players + movers
        self._open[here] = ~over

    def descend(self, games: int) -> Path:
        """From each root along the best moves to a node whose best move is untried, or to the game's end."""
        row = self._numbers[:games]
        path = [row]
        while True:
            for _ in range(self._look_every):
                row = self._next.index_select(0, row)
                path.append(row)
            if torch.equal(path[-1], path[-2]):
                return path

    def leaf(self, path: Path) -> tuple[State, Tensor]:
        """The states at a path's end and the untried moves int64 [B] there; any move where a game is over."""
        return take(self._states, path[-1]), self._best.index_select(0, path[-1])

    def grow(self, path: Path, node: int, values: Tensor) -> None:
        """Hangs node number ``node`` below the path's end, and counts the visit all the way up.

        values float32 [B, P] by absolute seat: what the visit found.
        """
        games = len(path[-1])
        ends = path[-1] * self._actions + self._best.index_select(0, path[-1])
        children = self._children.view(-1)
        children.index_copy_(0, ends, (self._numbers[:games] + node * games).int())
        rows = self._passed(path)
        moves = self._best.index_select(0, rows)
        edges = rows * self._actions + moves
        visits = self._visits.view(-1)
        count = visits.index_select(0, edges) + 1
        visits.index_copy_(0, edges, count)
        self._total.index_copy_(0, rows, self._total.index_select(0, rows) + 1)
        seats = self._seat.index_select(0, rows)
        self._learn(edges + rows * self._actions, count, values.flatten().index_select(0, seats))
        self._choose(rows)

    def visits(self, games: int) -> Tensor:
        """float32 [B, A]: how often each move of the roots was tried."""
        return self._visits[:games].float()

    def _passed(self, path: Path) -> Tensor:
        """int64 [K]: the rows that a visit left by a move, each once."""
        rows = torch.stack(path)
        fresh = self._open.index_select(0, rows.view(-1)).view(rows.shape)
        fresh[1:] &= rows[1:] != rows[:-1]
        return rows.masked_select(fresh)

    def _learn(self, at: Tensor, count: Tensor, values: Tensor) -> None:
        """Takes one value [K] into the mean of each move, and shortens its lean; ``at`` is where q lies."""
        scores = self._scores.view(-1)
        mean = scores.index_select(0, at)
        weight = count.reciprocal()
        # the first value stands alone: what stood there was a guess
        scores.index_copy_(0, at, torch.lerp(mean, values + _ABOVE, weight))
        lean = at + self._actions
        scores.index_copy_(0, lean, scores.index_select(0, lean) * (count / (count + 1)))

    def _choose(self, rows: Tensor) -> None:
        """Finds the best move of the rows anew, and where it leads."""
        scores = self._scores.index_select(0, rows)
        reach = self._exploration * self._total.index_select(0, rows).sqrt()
        best = self._highest(torch.addcmul(scores[:, 0], scores[:, 1], reach[:, None]))
        self._best.index_copy_(0, rows, best)
        child = self._children.view(-1).index_select(0, rows * self._actions + best).long()
        self._next.index_copy_(0, rows, torch.where(child > 0, child, rows))

    def _highest(self, scores: Tensor) -> Tensor:
        """int64 [K]: where each row of float32 [K, A], none negative, is highest; overwrites them.

        The last bits of each score give way to its column, so that one maximum finds both: ten times as
        fast as argmax on a CPU, and exact to 16 bits where a game has up to 128 moves.
        """
        bits = scores.view(torch.int32).bitwise_and_(~self._low).bitwise_or_(self._labels)
        return bits.amax(1).bitwise_and_(self._low).long()
