"""What a training run is made of. Going on from a checkpoint needs the same settings again."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from workers.harness import Misconfigured

_STRUCTURE = ("game", "rules", "board", "players", "architecture")


class Settings(NamedTuple):
    """All that decides what is learned from the same data; where and how long is left out."""

    game: str
    rules: str
    board: str
    players: int
    architecture: str
    seed: int = 1
    batch_size: int = 256
    """Samples a step, over all ranks."""
    learning_rate: float = 3e-3
    warmup_steps: int = 200
    schedule_steps: int = 20_000
    """The cosine ends there; a tenth of the rate from then on."""
    weight_decay: float = 1e-2
    clip: float = 3.0
    ema: float = 0.999
    value_weight: float = 1.5
    dtype: str = "auto"
    augment: bool = True
    window: str = "power"
    held_out: float = 0.05
    """Share of the shards, by their hashes."""
    reuse: float = 4.0
    """Sample-steps allowed for each sample there is."""
    mix: int = 0
    """Games that are shuffled together."""

    def digest(self) -> str:
        return hashlib.blake2b(self.written().encode(), digest_size=8).hexdigest()

    def written(self) -> str:
        return json.dumps(self._asdict(), sort_keys=True)


def check_same(before: Mapping[str, Any], now: Settings, allow_changes: bool) -> list[str]:
    """The changes, in words. Raises Misconfigured for those that are not allowed: none without
    ``allow_changes``, and never the game's or the network's."""
    known = now._asdict()
    changed = [name for name in known if name not in before or before[name] != known[name]]
    words = [f"{name} was {before.get(name)}, is {known[name]}" for name in changed]
    fixed = [name for name in changed if name in _STRUCTURE]
    if fixed or (changed and not allow_changes):
        advice = "train it in another --models folder" if fixed else "or give --allow-changes"
        raise Misconfigured(
            f"the checkpoint was trained with other settings: {'; '.join(words)}; "
            f"give the same ones, {advice}"
        )
    return words
