"""A checkpoint is a directory that is there whole or not at all.

``model.safetensors`` has the weights that play, and in its metadata what they are for; ``optimizer.safetensors``
has what training needs to go on (safetensors as well: nothing is ever unpickled); ``state.json`` its cursor,
random numbers and configuration; ``hashes.json`` the hashes of them all. It is written under a temporary
name, made durable file by file, and renamed.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from workers.harness import CorruptData, Misconfigured
from workers.network import places
from workers.network.architecture import Architecture, Board
from workers.network.metadata import Meta, check_fit, in_order, read_meta
from workers.network.network import Network

_TEMPORARY = ".writing-"


class Loaded(NamedTuple):
    """``hash`` is the blake2b-64 of the file of weights, in hex; ``name`` the directory's."""

    network: Network
    meta: Meta
    hash: str
    name: str


class Kept(NamedTuple):
    name: str
    hash: str


class TrainingState(NamedTuple):
    tensors: dict[str, Tensor]
    state: dict[str, Any]


def save_checkpoint(
    folder: Path,
    weights: Mapping[str, Tensor],
    meta: Meta,
    training: Mapping[str, Tensor] | None = None,
    state: Mapping[str, Any] | None = None,
) -> Kept:
    """Its name and hash, once it is durable below ``folder`` (``<models>/<key>``). No pointer moves.

    Where a checkpoint of that step and these weights stands already, that one stays. Raises OSError.
    """
    files = {places.MODEL: in_order(save(_plain(weights), metadata=meta.written()))}
    if training is not None:
        files[places.TRAINING] = save(_plain(training))
    files[places.STATE] = json.dumps(dict(state or {}), indent=1).encode()
    files[places.HASHES] = json.dumps(
        {name: _digest(body) for name, body in files.items()}
    ).encode()
    weights_hash = network_hash(files[places.MODEL])
    name = places.checkpoint_name(meta.step, weights_hash)
    target = places.checkpoint_path(folder, name)
    if target.is_dir() and not _fault(target):
        return Kept(name, weights_hash)
    temporary = target.with_name(f"{_TEMPORARY}{name}-{uuid.uuid4().hex[:8]}")
    try:
        _write(temporary, files)
        _publish(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return Kept(name, weights_hash)


def load_checkpoint(path: Path, game: Board, device: str | torch.device = "cpu") -> Loaded:
    """The network that plays, in eval mode. Raises CorruptData where it is not what was written, and
    Misconfigured where it is of another game, board or number of seats."""
    body = _verified(path, places.MODEL)
    meta = read_meta(body, path)
    check_fit(meta, game, path)
    network = Network(game, meta.architecture)
    _fill(network, _tensors(body, path), path)
    moved = network.to(device=device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    return Loaded(moved, meta, network_hash(body), path.name)


def load_training(path: Path) -> TrainingState:
    """What training goes on from. Raises CorruptData, and Misconfigured where it has only weights."""
    if not (path / places.TRAINING).exists() and places.TRAINING not in _hashes(path):
        raise Misconfigured(f"{path}: has no state of training to go on from")
    state = json.loads(_verified(path, places.STATE))
    return TrainingState(_tensors(_verified(path, places.TRAINING), path), state)


def network_hash(body: bytes) -> str:
    """blake2b-64 in hex, of a file of weights."""
    return hashlib.blake2b(body, digest_size=8).hexdigest()


def read_architecture(path: Path) -> Architecture:
    """Of the checkpoint there. Raises CorruptData."""
    return read_meta(_verified(path, places.MODEL), path).architecture


def remove_checkpoint(folder: Path, name: str) -> None:
    """It is gone at once or still whole. Raises OSError."""
    path = places.checkpoint_path(folder, name)
    leaving = path.with_name(f"{_TEMPORARY}{name}-{uuid.uuid4().hex[:8]}")
    os.rename(path, leaving)
    shutil.rmtree(leaving, ignore_errors=True)


def sweep_unfinished(folder: Path) -> int:
    """Removes what writers that died left half done, and says how many; only for the one that holds the
    folder's lock, because a living writer's looks the same."""
    found = list(places.checkpoints_of(folder).glob(f"{_TEMPORARY}*"))
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU, in row order: the same weights make the same bytes whatever the memory format."""
    return {
        name: tensor.detach().cpu().contiguous(memory_format=torch.contiguous_format).clone()
        for name, tensor in sorted(tensors.items())
    }


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, body in files.items():
        places.write_durably(folder / name, body)
    places.sync_folder(folder)


def _publish(temporary: Path, target: Path) -> None:
    """A damaged one of the same name makes room, and is kept beside."""
    if target.exists():
        os.rename(target, target.with_name(f"{target.name}.damaged-{uuid.uuid4().hex[:8]}"))
    os.rename(temporary, target)
    places.sync_folder(target.parent)


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _fault(path: Path) -> str:
    """What is wrong with the checkpoint there, or nothing."""
    try:
        for name in _hashes(path):
            _verified(path, name)
    except CorruptData as error:
        return str(error)
    return ""


def _hashes(path: Path) -> dict[str, str]:
    try:
        found = json.loads((path / places.HASHES).read_bytes())
        return {str(name): str(digest) for name, digest in found.items()}
    except FileNotFoundError as error:
        raise CorruptData(f"{path}: no checkpoint there, or one without {places.HASHES}") from error
    except (ValueError, AttributeError) as error:
        raise CorruptData(f"{path / places.HASHES}: damaged") from error


def _verified(path: Path, name: str) -> bytes:
    """The file's bytes, if they are those that were written; the model's also fit the directory's name."""
    wanted = _hashes(path).get(name)
    try:
        body = (path / name).read_bytes()
    except FileNotFoundError as error:
        raise CorruptData(f"{path / name}: missing") from error
    if _digest(body) != wanted:
        raise CorruptData(f"{path / name}: damaged, its hash is not the one in {places.HASHES}")
    if name == places.MODEL and not path.name.endswith(network_hash(body)[:8]):
        raise CorruptData(f"{path}: its weights belong to another name, {network_hash(body)[:8]}")
    return body


def _tensors(body: bytes, path: Path) -> dict[str, Tensor]:
    try:
        return load(body)
    except (SafetensorError, ValueError) as error:
        raise CorruptData(f"{path}: {error}") from error


def _fill(network: Network, tensors: dict[str, Tensor], path: Path) -> None:
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise Misconfigured(f"{path}: its weights are not of this network: {error}") from error
