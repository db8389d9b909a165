"""Reads everything below a folder with every check, and says what is wrong where."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from workers.harness.errors import CorruptData, Misconfigured
from workers.records import foreign
from workers.records.duplicates import Duplicates
from workers.records.line import decode_line
from workers.records.lines import good_lines, scan
from workers.records.names import JOURNAL, OPEN, parse_shard
from workers.records.record import GameRecord, game_id
from workers.records.shards import files_below

_ENDINGS = (JOURNAL, ".jsonl.zst", ".jsonl.gz", ".db", ".sqlite", ".sqlite3")


class Checked(NamedTuple):
    """One file."""

    path: Path
    records: int
    """That can be read, and are what they say."""
    faults: tuple[str, ...] = ()
    torn: int = 0
    """1 for a journal whose last line is not finished: being written, or left by a death."""


def data_files(path: Path) -> list[Path]:
    """``path`` itself, or the files below it that may hold games, sorted. Raises OSError, Misconfigured."""
    if not path.exists():
        raise Misconfigured(f"{path}: there is nothing")
    if not path.is_dir():
        return [path]
    found = (Path(name) for name in files_below(path) if name.endswith(_ENDINGS))
    return sorted(found)


def without_copies(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """The files, and those among them that are a shard's second copy, by the hash of its name."""
    first: dict[str, Path] = {}
    for path in files:
        name = parse_shard(path.name)
        first.setdefault(name.digest if name else str(path), path)
    kept = set(first.values())
    return [path for path in files if path in kept], [path for path in files if path not in kept]


def verify_file(path: Path, duplicates: Duplicates) -> Checked:
    """What is wrong with it is said and not raised. Raises Misconfigured (no zstd)."""
    try:
        if is_journal(path):
            return _verify_journal(path, duplicates)
        return _verify_games(path, duplicates)
    except FileNotFoundError:
        return Checked(path, 0)  # a journal that was sealed while we looked
    except OSError as error:
        return Checked(path, 0, (error.strerror or str(error),))


def is_journal(path: Path) -> bool:
    return path.parent.name == OPEN and path.name.endswith(JOURNAL)


def _verify_games(path: Path, duplicates: Duplicates) -> Checked:
    good = 0
    faults: list[str] = []
    try:
        for game in foreign.read_any(path):
            fault = _look(path, game, duplicates)
            good, faults = good + (not fault), faults + ([fault] if fault else [])
    except CorruptData as error:
        faults.append(str(error).removeprefix(f"{path}: "))
    if os.path.getsize(path) == 0 and parse_shard(path.name):
        faults = ["a shard without a byte"]
    return Checked(path, good, tuple(faults))


def _verify_journal(path: Path, duplicates: Duplicates) -> Checked:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = scan(file)
        faults = [f"{len(found.damaged)} damaged lines"] if found.damaged else []
        good = 0
        for fault in _look_at_lines(path, file, duplicates):
            good, faults = good + (not fault), faults + ([fault] if fault else [])
    finally:
        os.close(file)
    return Checked(path, good, tuple(faults), found.torn)


def _look_at_lines(path: Path, file: int, duplicates: Duplicates) -> Iterator[str]:
    for line in good_lines(file):
        try:
            yield _look(path, decode_line(line), duplicates)
        except CorruptData as error:
            yield str(error)


def _look(path: Path, game: GameRecord | foreign.ForeignRecord, duplicates: Duplicates) -> str:
    """What is wrong with a game; "" for nothing."""
    if isinstance(game, foreign.ForeignRecord):
        return ""
    expected = game_id(game.game, game.board, game.players, game.rules, game.moves)
    if game.id != expected:
        return f"game {game.id}: its moves make it {expected}"
    duplicates.add(game.worker, (game.id,))
    return ""
