"""Which network plays, and when it changes."""

import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from workers.games import TensorGame
from workers.harness import CorruptData, Misconfigured, NoDataYet, Worker
from workers.network.architecture import parse
from workers.network.checkpoint import Loaded, load_checkpoint
from workers.network.fallback import load_pointed
from workers.network.network import build
from workers.network.places import checkpoint_path, is_checkpoint_name, model_folder
from workers.network.pointers import POINTERS, read_pointer

NONE, FRESH = "none", "fresh"
_OR_FRESH = "-or-fresh"
_LOOK_EVERY_S = 1.0


class Playing(NamedTuple):
    """``network`` None: moves are all alike. ``hash`` as records name it, ``name`` as people do."""

    network: nn.Module | None
    hash: str
    name: str


class Networks:
    """``word``: best, latest, either with -or-fresh, a checkpoint's name or path, fresh, none."""

    def __init__(
        self,
        game: TensorGame,
        models: Path,
        word: str,
        worker: Worker,
        device: str = "cpu",
    ) -> None:
        self._game, self._worker, self._device = game, worker, device
        self._word, self._or_fresh = word.removesuffix(_OR_FRESH), word.endswith(_OR_FRESH)
        self._folder = model_folder(models, game.key)
        self._pointed: str | None = None
        self._looked_at = time.monotonic()

    def first(self, architecture: str, seed: int) -> Playing:
        """Raises NoDataYet where there is none yet, CorruptData, Misconfigured."""
        if self._word == NONE:
            return Playing(None, "", NONE)
        if self._word == FRESH:
            return self._fresh(architecture, seed)
        if self._word in POINTERS:
            self._pointed = self._pointer()
            if self._pointed is None and self._or_fresh:
                return self._fresh(architecture, seed)
            return self._follow()
        return self._playing(self._load(self._path()))

    def changed(self) -> Playing | None:
        """The new one, where the pointer moved; looked up once a second at most. One that is damaged or does
        not fit is said, and the old one plays on."""
        now = time.monotonic()
        if self._word not in POINTERS or now - self._looked_at < _LOOK_EVERY_S:
            return None
        self._looked_at = now
        try:
            pointed = self._pointer()
            if pointed is None or pointed == self._pointed:
                return None
            self._pointed = pointed  # even if it is no good: said once
            return self._playing(self._load(checkpoint_path(self._folder, pointed)))
        except (CorruptData, Misconfigured, OSError) as error:
            self._worker.log(f"the {self._word} network does not change: {error}")
            return None

    def _pointer(self) -> str | None:
        try:
            return read_pointer(self._folder, self._word)
        except CorruptData as error:
            self._worker.log(str(error))
            return None

    def _follow(self) -> Playing:
        found = load_pointed(self._folder, self._word, self._load, self._worker.log)
        if found is None:
            raise NoDataYet(
                f"{self._folder.absolute()}: there is no {self._word} network yet; train one, or play with "
                "--net fresh, --search random or --search greedy"
            )
        return self._playing(found)

    def _path(self) -> Path:
        """Raises NoDataYet."""
        named = is_checkpoint_name(self._word)
        path = checkpoint_path(self._folder, self._word) if named else Path(self._word)
        if not path.is_dir():
            raise NoDataYet(f"{path.absolute()}: there is no such network")
        return path

    def _load(self, path: Path) -> Loaded:
        return load_checkpoint(path, self._game, self._device)

    def _playing(self, loaded: Loaded) -> Playing:
        """Raises CorruptData for weights that give no numbers."""
        features = self._game.features(self._game.init(1))
        with torch.inference_mode():
            answers = loaded.network(features)
        if not all(bool(answer.isfinite().all()) for answer in answers):
            raise CorruptData(f"{loaded.name}: its answers are no finite numbers")
        return Playing(loaded.network, loaded.hash, loaded.name)

    def _fresh(self, architecture: str, seed: int) -> Playing:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = build(self._game, parse(architecture))
        return Playing(network.to(self._device).eval(), FRESH, f"{FRESH} {architecture}")
