"""Rows on their way to one row group of a part, and what becomes of them."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from workers.jobs.aggregate.columns import GAME
from workers.jobs.aggregate.identity import fault

_RUN = re.compile(r"(?:\A|/)runs/([^/]+)/")
_ORDER = (
    "id", "format", "node", "worker", "run", "file", "position", "game", "board", "players", "rules",
    "seed", "moves", "scores", "winner", "winners", "termination", "plies", "network", "search",
    "start", "duration_s", "line",
)  # fmt: skip


class Origin(NamedTuple):
    """Whose file rows came from. ``number`` is that of the source in its generation."""

    number: int
    node: str
    file: str


class Reject(NamedTuple):
    """A line that is no record."""

    number: int
    """Of its source."""
    position: int
    reason: str
    line: bytes


class Batch:
    """Rows of one or more sources, in order."""

    def __init__(self) -> None:
        self.rows = self.bytes = 0
        self._ids: list[str] = []
        self._formats: list[str] = []
        self._positions: list[int] = []
        self._lines: list[bytes] = []
        self._origins: list[tuple[Origin, int]] = []

    def add(
        self,
        origin: Origin,
        ids: list[str],
        formats: list[str],
        positions: Sequence[int],
        lines: list[bytes],
    ) -> None:
        """Rows of one source."""
        self._ids += ids
        self._formats += formats
        self._positions += positions
        self._lines += lines
        self._origins.append((origin, len(lines)))
        self.rows += len(lines)
        self.bytes += sum(map(len, lines))

    def finished(self, read: Callable[[Any], Any]) -> "Finished":
        """With the columns of the games (``columns.Reader``), and without what turned out to be no record."""
        import pyarrow as pa

        table = pa.table(
            {
                "id": pa.array(self._ids, pa.string()),
                "format": pa.array(self._formats, pa.string()),
                "position": pa.array(self._positions, pa.int64()),
                "line": pa.array(self._lines, pa.binary()).cast(pa.string()),
            }
        )
        games = read(table.select(["format", "line"]))
        bad, sound = self._rejects(games.column("sound").to_pylist())
        for name in games.column_names:
            if name != "sound":
                table = table.append_column(name, games.column(name))
        table = self._with_origins(pa, table)
        if bad:
            table = table.filter(pa.array(sound))
        kept = self._kept(sound)
        return Finished(table.select(_ORDER), kept, bad)

    def _rejects(self, sound: list[bool]) -> tuple[list[Reject], list[bool]]:
        """Also which rows stay: DuckDB and JSON's other readers disagree about a few."""
        bad: list[Reject] = []
        if all(sound):
            return bad, sound
        numbers = [origin.number for origin, count in self._origins for _ in range(count)]
        for row, fits in enumerate(sound):
            if not fits:
                reason = fault(self._lines[row])
                sound[row] = reason is None
                if reason is not None:
                    found = (numbers[row], self._positions[row], reason, self._lines[row])
                    bad.append(Reject(*found))
        return bad, sound

    def _kept(self, sound: list[bool]) -> dict[int, int]:
        kept: dict[int, int] = {}
        at = 0
        for origin, count in self._origins:
            kept[origin.number] = kept.get(origin.number, 0) + sum(sound[at : at + count])
            at += count
        return kept

    def _with_origins(self, pa: Any, table: Any) -> Any:
        """``run`` is what the path says where the line says nothing."""
        import pyarrow.compute as pc

        counts = [count for _, count in self._origins]
        for name, values in (
            ("node", [origin.node for origin, _ in self._origins]),
            ("file", [origin.file for origin, _ in self._origins]),
            ("_run", [_run(origin.file) for origin, _ in self._origins]),
        ):
            pieces = [
                pa.repeat(pa.scalar(value, pa.string()), count)
                for value, count in zip(values, counts, strict=True)
            ]
            table = table.append_column(name, pa.chunked_array(pieces, pa.string()))
        run = pc.coalesce(table.column("run"), table.column("_run"))
        return table.set_column(table.schema.get_field_index("run"), "run", run)


class Finished(NamedTuple):
    """``kept``: rows of each source."""

    table: Any
    kept: dict[int, int]
    rejects: list[Reject]

    def games(self) -> dict[str, int]:
        """Games of shard/1 by configuration (``square8_2p``)."""
        import pyarrow.compute as pc

        ours = self.table.filter(pc.equal(self.table.column("format"), GAME))
        counts = ours.group_by(["board", "players"]).aggregate([([], "count_all")])
        return {f"{row['board']}_{row['players']}p": row["count_all"] for row in counts.to_pylist()}

    def newest(self) -> float | None:
        """When the latest game began, seconds since 1970."""
        import pyarrow.compute as pc

        found: float | None = pc.max(self.table.column("start")).as_py()
        return found


def _run(path: str) -> str | None:
    """A run directory's file names its run."""
    found = _RUN.search(path)
    return found[1] if found else None
