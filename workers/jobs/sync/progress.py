"""What rsync prints with `--info=progress2 --no-human-readable`, read. Pure."""

import re
from typing import NamedTuple

_LINE = re.compile(
    rb"^\s*([\d,]+)\s+(\d+)%\s+([\d.]+)([kMGT]?)B/s\s+(\d+):(\d\d):(\d\d)"
    rb"(?:\s+\(xfr#(\d+),\s+(?:to|ir)-chk=\d+/\d+\))?\s*$"
)
_UNITS = {b"": 1, b"k": 1024, b"M": 1024**2, b"G": 1024**3, b"T": 1024**4}


class Progress(NamedTuple):
    """``files`` is None in a line that ends no file; ``eta_s`` after the end is what it took."""

    bytes: int
    percent: int
    rate_bytes_s: float
    eta_s: int
    files: int | None


def read_progress(line: bytes) -> Progress | None:
    """None for a line that is no progress: then it is something rsync said."""
    found = _LINE.match(line)
    if found is None:
        return None
    size, percent, rate, unit, hours, minutes, seconds, files = found.groups()
    return Progress(
        int(size.replace(b",", b"")),
        int(percent),
        float(rate) * _UNITS[unit],
        int(hours) * 3600 + int(minutes) * 60 + int(seconds),
        None if files is None else int(files),
    )


class Lines:
    """Cuts a stream into lines: rsync ends those of its progress with a carriage return."""

    MOST = 64 * 1024

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The whole lines so far; one that is longer than anything rsync says is cut."""
        *lines, self._rest = re.split(rb"[\r\n]", self._rest + piece)
        if len(self._rest) > self.MOST:
            lines.append(self._rest[: self.MOST])
            self._rest = b""
        return [line for line in lines if line.strip()]

    def end(self) -> list[bytes]:
        rest, self._rest = self._rest, b""
        return [rest] if rest.strip() else []
