"""A seed for each game, so that no two workers play the same one."""

import hashlib

import torch
from torch import Tensor


class Seeds:
    """Of one worker: game number ``n`` has always the same. 63 bits each.

    ``origin`` is what tells this worker's games from all others': run and worker.
    """

    def __init__(self, *origin: str) -> None:
        self._origin = "\n".join(origin).encode()

    def of(self, number: int) -> int:
        digest = hashlib.blake2b(
            number.to_bytes(8, "little"),
            digest_size=8,
            key=hashlib.blake2b(self._origin, digest_size=32).digest(),
        )
        return int.from_bytes(digest.digest(), "little") >> 1

    def tensor(self, first: int, count: int) -> Tensor:
        """int64 [count], from game number ``first`` on."""
        return torch.tensor([self.of(first + i) for i in range(count)], dtype=torch.int64)


def seeds_for(run: str, worker: str, name: str, asked: int | None) -> Seeds:
    """By run and ``worker`` (a uuid, new each start); where a seed is asked for, by that and the worker's
    ``name``, so that copies of one preset differ and each repeats itself."""
    if asked is None:
        return Seeds("run", run, worker)
    return Seeds("seed", str(asked), name)
