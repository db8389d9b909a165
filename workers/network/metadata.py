"""What a file of weights says about itself, in the metadata of safetensors."""

import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

from workers.harness import CorruptData, Misconfigured
from workers.network.architecture import Architecture, Board

FORMAT = "quarterdeck.network/1"


class Meta(NamedTuple):
    """``watermark`` counts the games that the trainer had seen by then; ``parent`` is the hash of the weights
    that these were trained from, "" for none; ``config`` that of the trainer's settings."""

    game: str
    rules: str
    board: str
    players: int
    architecture: Architecture
    step: int = 0
    watermark: int = 0
    parent: str = ""
    config: str = ""

    def written(self) -> dict[str, str]:
        """safetensors keeps text only."""
        numbers = json.dumps(self.architecture._asdict())
        plain = {name: str(value) for name, value in self._asdict().items()}
        return {"format": FORMAT, **plain, "architecture": numbers}


def meta_of(
    game: Board,
    architecture: Architecture,
    step: int = 0,
    watermark: int = 0,
    parent: str = "",
    config: str = "",
) -> Meta:
    return Meta(
        game.name,
        game.rules,
        game.board,
        game.players,
        architecture,
        step,
        watermark,
        parent,
        config,
    )


def in_order(body: bytes) -> bytes:
    """The same file of safetensors with its header's names sorted: the library writes the metadata in a
    random order, and the same weights must have one hash."""
    (size,) = struct.unpack_from("<Q", body)
    header = json.dumps(
        json.loads(body[8 : 8 + size]), sort_keys=True, separators=(",", ":")
    ).encode()
    padded = header + b" " * (-len(header) % 8)
    return struct.pack("<Q", len(padded)) + padded + body[8 + size :]


def read_meta(body: bytes, path: Path) -> Meta:
    """Of a file of weights; ``path`` is for the error's text. Raises CorruptData."""
    try:
        (size,) = struct.unpack_from("<Q", body)
        written = json.loads(body[8 : 8 + size])["__metadata__"]
        if written["format"] != FORMAT:
            raise Misconfigured(f"{path}: written as {written['format']}; this reads {FORMAT}")
        return _parsed(written)
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptData(f"{path}: its weights do not say what they are for") from error


def _parsed(written: dict[str, Any]) -> Meta:
    numbers = {name: int(value) for name, value in json.loads(written["architecture"]).items()}
    return Meta(
        written["game"],
        written["rules"],
        written["board"],
        int(written["players"]),
        Architecture(**numbers),
        int(written["step"]),
        int(written["watermark"]),
        written["parent"],
        written["config"],
    )


def check_fit(meta: Meta, game: Board, path: Path) -> None:
    """Raises Misconfigured where the weights are of another game, rules, board or number of seats."""
    theirs = (meta.game, meta.rules, meta.board, meta.players)
    ours = (game.name, game.rules, game.board, game.players)
    if theirs != ours:
        raise Misconfigured(f"{path}: made for {_words(theirs)}, not for {_words(ours)}")


def _words(what: tuple[str, str, str, int]) -> str:
    _, rules, board, players = what
    return f"{rules} on {board} with {players} players"
