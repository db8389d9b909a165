"""What of a log can be searched: stretches of bytes, the oldest first, read in blocks of whole lines."""

import os
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from workers.agent.logs.file_source import FileSource
from workers.agent.logs.sources import find_run, place_of
from workers.protocol import ERR, FILE, OUT, STREAM_NAMES, OpenTail
from workers.supervisor.log_index import LogIndex
from workers.supervisor.log_reader import Piece, StreamReader
from workers.supervisor.run import Run

BLOCK_BYTES = 4 * 1024 * 1024
LINE_BYTES = 64 * 1024  # longer lines are cut: what is behind is not looked at
_READ_BYTES = 1024 * 1024


class Block(NamedTuple):
    """Lines that begin in [start, end): ``data`` holds them whole, from ``offset`` on."""

    attempt: int
    which: int
    start: int
    end: int
    offset: int
    data: bytes


class Stretch:
    """Contiguous bytes [start, end) of one stream."""

    def __init__(self, attempt: int, which: int, start: int, end: int, reader: Any) -> None:
        self.attempt, self.which = attempt, which
        self.start, self.end = start, end
        self._reader = reader

    def read(self, start: int, end: int) -> bytes:
        """As much of [start, end) as can be read in one go."""
        parts: List[bytes] = []
        while start < end:
            found = self._reader.read(start, min(_READ_BYTES, end - start))
            if not isinstance(found, Piece) or found.offset != start:
                break
            parts.append(found.data)
            start = found.end
        return b"".join(parts)

    def clock(self, offset: int) -> float:
        return float(self._reader.clock(offset))

    def ranges(self, backwards: bool) -> List[Tuple[int, int]]:
        """Its bytes in blocks, in the order in which they are looked at."""
        starts = range(self.start, self.end, BLOCK_BYTES)
        found = [(start, min(self.end, start + BLOCK_BYTES)) for start in starts]
        return found[::-1] if backwards else found

    def block(self, start: int, end: int) -> Block:
        """The lines that begin in [start, end)."""
        begin = max(self.start, start - 1)
        data = self.read(begin, end)
        offset = begin
        if start > self.start:  # whose line the first bytes are is known by the byte before
            newline = data.find(b"\n")
            skip = newline + 1 if newline >= 0 else len(data)
            data, offset = data[skip:], begin + skip
        if data and not data.endswith(b"\n") and end < self.end:
            rest = self.read(end, min(self.end, end + LINE_BYTES))
            data += rest[: rest.find(b"\n") + 1] if b"\n" in rest else rest
        return Block(self.attempt, self.which, start, end, offset, data)


def stretches_of(
    run_id: str, path: str, streams: str, node_folder: Optional[str], root: str
) -> List[Stretch]:
    """The stretches of a run, attempt after attempt, or of a file. Raises OSError."""
    if path:
        return _of_file(place_of(path, root))
    run = find_run(run_id, node_folder)
    whiches = {"out": (OUT,), "err": (ERR,)}.get(streams, (OUT, ERR))
    return [
        stretch
        for attempt in run.paths.attempts()
        for stretch in _of_attempt(run, attempt, whiches)
    ]


def _of_attempt(run: Run, attempt: int, whiches: Tuple[int, ...]) -> Iterator[Stretch]:
    paths = run.paths.attempt(attempt)
    index = LogIndex(paths.index)
    for which in whiches:
        reader = StreamReader(paths, STREAM_NAMES[which], index)
        reader.by_time = False
        for start, end in _joined(reader.spans()):
            yield Stretch(attempt, which, start, end, reader)


def _joined(spans: List[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """Spans that touch are one: a line may lie in both."""
    found: List[Tuple[int, int]] = []
    for start, end in spans:
        if found and found[-1][1] >= start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _of_file(path: str) -> List[Stretch]:
    source = FileSource(path, OpenTail(path=path, follow=False, back_bytes=0))
    reader = _FileReader(source)
    return [Stretch(source.mark, FILE, 0, source.size, reader)]


class _FileReader:
    def __init__(self, source: FileSource) -> None:
        self._source = source

    def read(self, offset: int, limit: int) -> Piece:
        return Piece(offset, os.pread(self._source.descriptor, limit, offset), 0.0)

    def clock(self, offset: int) -> float:
        return 0.0
