"""The keys of the records of one generation, written once and read once, in order."""

import sys
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workers.jobs.aggregate.identity import BYTES

_GROUP = 256 * 1024  # keys of a row group
_READ = 32 * 1024
_NOBODY = bytes(BYTES)


class KeyWriter:
    """Two unsigned halves, big-endian, and whether the line is a record at all (``hi, lo, fits``)."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        self._pa = pa
        self.count = 0
        self._waiting: list[bytes | None] = []
        schema = pa.schema([("hi", pa.uint64()), ("lo", pa.uint64()), ("fits", pa.bool_())])
        self._writer = ParquetWriter(
            str(path), schema, compression="none", use_dictionary=["fits"], write_statistics=False
        )
        self._broken: OSError | None = None

    def add(self, keys: Iterable[bytes | None]) -> None:
        """None for what is no record. Raises OSError."""
        before = len(self._waiting)
        self._waiting += keys
        self.count += len(self._waiting) - before
        if len(self._waiting) >= _GROUP:
            self._flush()

    def check(self) -> None:
        """Raises the OSError that writing raised."""
        if self._broken is not None:
            raise self._broken

    def close(self) -> None:
        """Raises OSError."""
        try:
            if self._broken is None and self._waiting:
                self._flush()
        finally:
            self._writer.close()

    def _flush(self) -> None:
        try:
            self._writer.write_table(self._table(self._waiting))
        except OSError as error:
            self._broken = error
            raise
        self._waiting = []

    def _table(self, keys: list[bytes | None]) -> Any:
        pa = self._pa
        fits = [key is not None for key in keys]
        halves = array("Q", b"".join(key or _NOBODY for key in keys))
        if sys.byteorder == "little":
            halves.byteswap()
        columns = [
            pa.Array.from_buffers(pa.uint64(), len(keys), [None, pa.py_buffer(halves[half::2])])
            for half in (0, 1)
        ]
        return pa.table([*columns, pa.array(fits, pa.bool_())], ["hi", "lo", "fits"])


class Keys:
    """The keys again, as 32 hexadecimal digits."""

    def __init__(self, path: Path) -> None:
        self._batches = _texts(path)
        self._ready: list[str] = []
        self._at = 0

    def take(self, count: int) -> list[str]:
        """The next so many."""
        found = self._ready[self._at : self._at + count]
        self._at += len(found)
        while len(found) < count:
            self._ready = next(self._batches)
            self._at = count - len(found)
            found += self._ready[: self._at]
            self._at = min(self._at, len(self._ready))
        return found

    def skip(self, count: int) -> None:
        while count:
            count -= len(self.take(min(count, _READ)))


def _texts(path: Path) -> Iterator[list[str]]:
    from pyarrow.parquet import ParquetFile

    digits = 2 * BYTES
    for batch in ParquetFile(path).iter_batches(_READ, columns=["hi", "lo"]):
        halves = array("Q", bytes(BYTES * batch.num_rows))
        for half, column in enumerate(batch.columns):
            halves[half::2] = _numbers(column)
        if sys.byteorder == "little":
            halves.byteswap()
        text = halves.tobytes().hex()
        yield [text[at : at + digits] for at in range(0, len(text), digits)]


def _numbers(column: Any) -> "array[int]":
    found = array("Q")
    start = column.offset * found.itemsize
    found.frombytes(memoryview(column.buffers()[1])[start : start + len(column) * found.itemsize])
    return found
