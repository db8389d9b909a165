"""Lines of gzip data. A file is a row of members (RFC 1952); counting goes on after the last whole one."""

import os
import zlib
from typing import Optional

from workers.agent.data.entry import Entry
from workers.agent.data.lines import CHUNK_BYTES, close_entry, newlines
from workers.agent.data.outcome import ShouldStop, Stopped

_OUTPUT_BYTES = 1024 * 1024  # of one step, however much a small input would unfold to
_GZIP_WINDOW = 31  # zlib's word for "expect gzip's header and check its trailer"


def count_gzip(descriptor: int, start: Entry, should_stop: ShouldStop) -> Entry:
    """The entry of a gzip file; a torn or corrupt one has a fault and the lines before the tear.

    Raises Stopped, OSError.
    """
    reader = _Members(start)
    position = start.offset
    while reader.fault is None:
        data = os.pread(descriptor, CHUNK_BYTES, position)
        position += len(data)
        if not data:
            reader.end(should_stop)
            break
        reader.feed(data, position, should_stop)
    entry = close_entry(descriptor, start, reader.offset, reader.base)
    if reader.stopped:
        raise Stopped(entry._replace(mtime_ns=-1))
    torn = reader.fault is not None
    return entry._replace(
        records=reader.lines,
        open=reader.open_at_offset if torn else reader.open,
        fault=reader.fault,
    )


class _Members:
    """Unfolds members fed in pieces. ``offset`` and ``base`` stand at the end of the last whole one."""

    def __init__(self, start: Entry) -> None:
        self.offset = start.offset
        self.base = self.lines = start.base
        self.open = self.open_at_offset = start.open
        self.fault: Optional[str] = None
        self.stopped = False
        self._engine: Optional[zlib._Decompress] = None

    def feed(self, data: bytes, end: int, should_stop: ShouldStop) -> None:
        """``data`` are the bytes of the file before ``end``."""
        while data and self.fault is None:
            if self._ends(should_stop):
                return
            if self._engine is None:
                data = data.lstrip(b"\0")  # padding of tapes and block devices
                if not data:
                    self._whole(end)
                    return
                self._engine = zlib.decompressobj(_GZIP_WINDOW)
            data = self._step(self._engine, data, end)

    def end(self, should_stop: ShouldStop) -> None:
        """The file ended. Output that did not fit its step comes now."""
        while self._engine is not None and self.fault is None and not self._ends(should_stop):
            before = self.lines, self.open
            self._step(self._engine, b"", self.offset)
            if self._engine is not None and before == (self.lines, self.open):
                self.fault = "gzip data ends early (torn); its whole lines are counted"

    def _ends(self, should_stop: ShouldStop) -> bool:
        if should_stop():
            self.stopped, self.fault = True, "stopped"
        return self.stopped

    def _step(self, engine: "zlib._Decompress", data: bytes, end: int) -> bytes:
        try:
            output = engine.decompress(data, _OUTPUT_BYTES)
        except zlib.error as error:
            self.fault = self._corrupt(error)
            return b""
        if output:
            self.lines += newlines(output)
            self.open = output[-1:] != b"\n"
        if not engine.eof:
            return engine.unconsumed_tail
        self._engine = None
        self._whole(end - len(engine.unused_data))
        return engine.unused_data

    def _whole(self, offset: int) -> None:
        self.offset, self.base, self.open_at_offset = offset, self.lines, self.open

    def _corrupt(self, error: zlib.error) -> str:
        text = str(error).rsplit(": ", 1)[-1]
        if self.lines == self.base and "header" in text and self.offset:
            return "garbage after its gzip data; the lines before it are counted"
        return f"corrupt gzip ({text}); the lines before it are counted"
