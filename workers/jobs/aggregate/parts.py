"""The parts of a generation: Parquet files of bounded size, each durable and hashed before it counts."""

import os
from pathlib import Path
from typing import Any

from workers.records.consolidated import Part, RowGroup
from workers.records.disk import hash_of, sync_file

PART_BYTES = 256 * 1024 * 1024
_LEVEL = 1
_TEXTS = ["format", "node", "worker", "run", "file", "game", "board", "rules", "termination",
          "network", "search"]  # fmt: skip
_DICTIONARIES = [*_TEXTS, "players", "winner", "plies"]


class Parts:
    """Writes row groups; a new part begins where one is large."""

    def __init__(self, folder: Path, part_bytes: int = PART_BYTES) -> None:
        self._folder, self._part_bytes = folder, part_bytes
        self._writer: Any = None
        self._path = folder
        self._groups: list[RowGroup] = []
        self.finished: list[Part] = []

    def write(self, table: Any, games: dict[str, int], newest: float | None) -> None:
        """One row group. Raises OSError."""
        if self._writer is None:
            self._begin(table.schema)
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._groups.append(RowGroup(table.num_rows, games, newest))
        if self._path.stat().st_size >= self._part_bytes:
            self.finish()

    def finish(self) -> None:
        """Makes the part under way durable. Raises OSError."""
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        sync_file(self._path)
        size, digest = hash_of(self._path)
        rows = sum(group.rows for group in self._groups)
        self.finished.append(Part(self._path.name, rows, size, digest, tuple(self._groups)))
        self._groups = []

    def close(self) -> None:
        """Lets go of a part that will not be finished."""
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError:  # the disk is full, and the part is thrown away
                pass
            self._writer = None

    def _begin(self, schema: Any) -> None:
        from pyarrow.parquet import ParquetWriter

        self._path = self._folder / f"part-{len(self.finished):05d}.parquet"
        self._writer = ParquetWriter(
            os.fspath(self._path), schema, compression="zstd", compression_level=_LEVEL,
            use_dictionary=_DICTIONARIES, write_statistics=_DICTIONARIES,
        )  # fmt: skip
