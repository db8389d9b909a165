"""The match log: one match a line, only ever appended, and the one source of every rating and gate.

A line ends with its CRC: ``zlib.crc32`` of the line without that last member. Any number of processes may
append: each writes a line with one ``write`` under a lock and fsyncs it. What a crash tore, or a disk
changed, is left out and counted.
"""

import fcntl
import json
import os
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from workers.evaluation.match_result import Game, InvalidResult, MatchResult, checked
from workers.evaluation.participant import Ladder, Participant

VERSION = 1


class Matches(NamedTuple):
    """``results`` in the order of the log, each match once; the rest says what was left out."""

    results: tuple[MatchResult, ...]
    torn: int = 0
    """Lines without an end, or that are no line of a log."""
    damaged: tuple[int, ...] = ()
    """Numbers of lines whose CRC or contents do not hold, from 1."""
    repeated: int = 0
    """Lines that tell of the same games as one before."""

    @property
    def left_out(self) -> str:
        """For people; "" where nothing was."""
        numbers = ", ".join(map(str, self.damaged[:8])) + (" …" if len(self.damaged) > 8 else "")
        said = (
            f"{self.torn} torn" if self.torn else "",
            f"{len(self.damaged)} damaged (line {numbers})" if self.damaged else "",
            f"{self.repeated} repeated" if self.repeated else "",
        )
        return ", ".join(filter(None, said))


def log_path(matches: Path, key: str) -> Path:
    """Of the configuration ``key`` ("square8_2p") below the folder of all matches."""
    return matches / key / "matches.jsonl"


def append(path: Path, result: MatchResult) -> None:
    """Adds one match; on the disk when this returns. Raises InvalidResult, OSError."""
    line = encode(result) + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # A line begins on its own, even after one that a crash tore.
        _write(descriptor, (b"" if _ends_line(descriptor) else b"\n") + line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> Matches:
    """All there is; nothing where there is no file. Raises OSError."""
    try:
        *lines, rest = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return Matches(())
    results: dict[str, MatchResult] = {}
    torn, damaged, repeated = int(bool(rest)), [], 0
    for number, line in enumerate(lines, 1):
        try:
            result = decode(line)
        except InvalidResult:
            damaged.append(number)
            continue
        except ValueError:
            torn += 1
            continue
        repeated += result.id in results
        results.setdefault(result.id, result)
    return Matches(tuple(results.values()), torn, tuple(damaged), repeated)


def encode(result: MatchResult) -> bytes:
    """Its line, without the newline. Raises InvalidResult."""
    checked(result)
    body = {
        "version": VERSION,
        "id": result.id,
        "t": result.t,
        **result.ladder._asdict(),
        "purpose": result.purpose,
        "seed": result.seed,
        "number": result.number,
        "participants": [participant._asdict() for participant in result.participants],
        "opening": result.opening,
        "games": [game._asdict() for game in result.games],
    }
    text = json.dumps(body, separators=(",", ":")).encode()
    return text[:-1] + b',"crc":%d}' % zlib.crc32(text)


def decode(line: bytes) -> MatchResult:
    """Raises ValueError where it is no line of a log, InvalidResult where it is one that cannot be true."""
    head, found, crc = line.rpartition(b',"crc":')
    if not found or not crc.endswith(b"}") or not crc[:-1].isdigit():
        raise ValueError("no line of a match log")
    text = head + b"}"
    if zlib.crc32(text) != int(crc[:-1]):
        raise InvalidResult("the CRC does not hold")
    try:
        return checked(_result(json.loads(text)))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidResult(str(error)) from error


def _result(body: dict[str, Any]) -> MatchResult:
    if body["version"] != VERSION:
        raise InvalidResult(f"version {body['version']}; this reads {VERSION}")
    first, second = (Participant(p["weights"], p["search"]) for p in body["participants"])
    return MatchResult(
        Ladder(body["game"], body["rules"], body["board"], int(body["players"])),
        (first, second),
        tuple(map(_game, body["games"])),
        tuple(map(int, body["opening"])),
        int(body["seed"]),
        int(body["number"]),
        str(body["purpose"]),
        float(body["t"]),
    )


def _game(body: dict[str, Any]) -> Game:
    return Game(
        tuple(map(int, body["seats"])),
        tuple(map(int, body["winners"])),
        tuple(map(int, body["scores"])),
        int(body["plies"]),
        str(body["termination"]),
        str(body["digest"]),
    )


def _ends_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _write(descriptor: int, body: bytes) -> None:
    """What a full disk cut short is torn: the next line begins on its own."""
    while body:
        body = body[os.write(descriptor, body) :]
