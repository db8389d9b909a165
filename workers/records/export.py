"""Games in the forms of other tools. Both need a package that is not ours: pyarrow, numpy."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from workers.harness.errors import Misconfigured
from workers.records.disk import sync_file, sync_folder
from workers.records.export_npz import write_npz
from workers.records.export_parquet import write_parquet
from workers.records.foreign import read_any
from workers.records.record import GameRecord

Writer = Callable[[Iterable[GameRecord], Path], int]


def export(files: Iterable[Path], target: Path) -> int:
    """Writes the games to a ``.parquet`` or ``.npz`` file, whole or not at all; how many they are.

    Raises Misconfigured (another ending, a missing package, files of another program), CorruptData, OSError.
    """
    write = _writer(target)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        count = write(_games(files), draft)
        sync_file(draft)
        os.rename(draft, target)
    except ImportError as error:
        raise Misconfigured(f"{target.suffix} needs the package {error.name}") from None
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(target.parent)
    return count


def _writer(target: Path) -> Writer:
    writers = {".parquet": write_parquet, ".npz": write_npz}
    if target.suffix not in writers:
        raise Misconfigured(f"{target}: .parquet or .npz")
    return writers[target.suffix]


def _games(files: Iterable[Path]) -> Iterator[GameRecord]:
    for path in files:
        for game in read_any(path):
            if not isinstance(game, GameRecord):
                raise Misconfigured(f"{path}: another program's games, whose moves are not known")
            yield game
