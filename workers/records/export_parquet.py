"""Parquet: a row a game, the members of ``GameRecord`` as columns, visits as two lists of lists."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from workers.records.record import GameRecord, decode_visits

_GROUP = 2000  # games of one row group
_TEXTS = ("id", "game", "board", "rules", "termination", "network", "search", "worker")
_INTEGERS = ("version", "players", "plies")


def write_parquet(games: Iterable[GameRecord], path: Path) -> int:
    """How many games were written. Raises OSError, ImportError, and what ``games`` raises."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    count, schema = 0, _schema(pa)
    with ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(games):
            rows = [_row(game) for game in group]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _groups(games: Iterable[GameRecord]) -> Iterator[list[GameRecord]]:
    source = iter(games)
    while group := list(islice(source, _GROUP)):
        yield group


def _row(game: GameRecord) -> dict[str, Any]:
    row = game._asdict()
    visits = [None if text is None else decode_visits(text) for text in row.pop("visits")]
    for place, name in enumerate(("visit_actions", "visit_weights")):
        row[name] = [
            pairs if pairs is None else [pair[place] for pair in pairs] for pairs in visits
        ]
    return row


def _schema(pa: Any) -> Any:
    """In the order of the record; ``pa`` is pyarrow."""
    kinds = {name: pa.string() for name in _TEXTS} | {name: pa.int32() for name in _INTEGERS}
    kinds |= {"seed": pa.uint64(), "start": pa.float64(), "duration_s": pa.float64()}
    kinds |= {name: pa.list_(pa.int32()) for name in ("moves", "scores", "winners")}
    kinds["visit_actions"] = kinds["visit_weights"] = pa.list_(pa.list_(pa.uint16()))
    kinds["values"] = pa.list_(pa.list_(pa.float32()))
    names = [name for name in GameRecord._fields if name != "visits"]
    place = names.index("values")
    names[place:place] = ["visit_actions", "visit_weights"]
    return pa.schema([(name, kinds[name]) for name in names])
