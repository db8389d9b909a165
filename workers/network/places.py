"""Where the models of one configuration lie: ``<models>/<board>_<n>p/``."""

import os
import re
from pathlib import Path

from workers.harness import CorruptData

MODEL = "model.safetensors"
TRAINING = "optimizer.safetensors"
STATE = "state.json"
HASHES = "hashes.json"

_NAME = re.compile(r"\d{9,}-[0-9a-f]{8}")


def model_folder(models: Path, key: str) -> Path:
    """``key`` is the game's (``square8_2p``); the folder need not exist."""
    return models / key


def checkpoints_of(folder: Path) -> Path:
    return folder / "checkpoints"


def checkpoint_name(step: int, weights_hash: str) -> str:
    """Step in nine digits, so that names sort by age, and the first eight of the hash."""
    return f"{step:09d}-{weights_hash[:8]}"


def is_checkpoint_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def checkpoint_path(folder: Path, name: str) -> Path:
    """Raises CorruptData where the name is none of ours: it becomes part of a path."""
    if not is_checkpoint_name(name):
        raise CorruptData(f"{folder}: {name!r} is no name of a checkpoint")
    return checkpoints_of(folder) / name


def checkpoint_names(folder: Path) -> list[str]:
    """Newest step first; unfinished ones have other names. Empty where there is no folder."""
    try:
        found = os.listdir(checkpoints_of(folder))
    except FileNotFoundError:
        return []
    return sorted(filter(is_checkpoint_name, found), key=_age, reverse=True)


def _age(name: str) -> tuple[int, str]:
    step, _, rest = name.partition("-")
    return int(step), rest


def sync_folder(folder: Path) -> None:
    """Makes the names in it durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, body: bytes) -> None:
    """A new file, on the disk when this returns. Raises OSError."""
    with open(path, "xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
