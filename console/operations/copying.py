"""Copying by hand, to and from one node: rsync over OpenSSH with the node's own options. Never deletes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.channels.unattended import Unattended
from console.errors import LinkError, QuarterdeckError, Refused, UsageError
from console.fleet.model import Problem, ProblemKind
from console.text import one_line

PARTIAL = ".quarterdeck-partial"
"""Beside each file, while it comes: what is there of it, for the next time."""

_WORDS = (
    "rsync", "--recursive", "--links", "--perms", "--times", "--safe-links", "--no-devices",
    "--no-specials", f"--partial-dir={PARTIAL}", "--no-human-readable", "--info=progress2",
    "--stats", "--chmod=ug-s", "-s",
)  # fmt: skip
_PROGRESS = re.compile(rb"^\s*([\d,]+)\s+(\d+)%\s+([\d.]+)([kMGT]?)B/s")
_FILES = re.compile(rb"Number of regular files transferred: ([\d,]+)")
_BYTES = re.compile(rb"Total transferred file size: ([\d,]+)")
_SCALE = {b"": 1, b"k": 1000, b"M": 1000**2, b"G": 1000**3, b"T": 1000**4}
_UNREACHED = frozenset({10, 12, 30, 35, 255})
_VANISHED = 24
_MEANINGS = {
    10: "the connection failed", 11: "a file could not be written or read",
    12: "the connection broke, or there is no rsync on the node", 20: "it was stopped",
    23: "some files were not copied", 30: "nothing came for too long",
    35: "the connection took too long", 255: "ssh could not connect",
}  # fmt: skip
_LAST_LINES = 5


@dataclass(frozen=True)
class Place:
    """An end of a copy: `node` is None for this machine."""

    node: str | None
    path: str


@dataclass(frozen=True)
class Copied:
    """`files` and `bytes` that went over; `warning`: what was not wrong enough to fail."""

    files: int
    bytes: int
    warning: str = ""


Told = Callable[[int, int, float], None]
"""Bytes so far, percent, bytes a second."""


def place(word: str) -> Place:
    """`NODE:path`, `[IPv6]:path`, or a path of this machine; `./a:b` is one. Raises UsageError."""
    if word.startswith("["):
        host, bracket, path = word.partition("]:")
        if bracket:
            return Place(host + "]", path)
    node, colon, path = word.partition(":")
    if not colon or "/" in node:
        if not word:
            raise UsageError("cp: a path is empty")
        return Place(None, word)
    if not node or node.startswith("-"):
        raise UsageError(f"cp: '{one_line(word)}': wanted NODE:path")
    return Place(node, path)


def ends(words: Sequence[str]) -> tuple[tuple[Place, ...], Place, str]:
    """(sources, destination, the one node that is meant). Raises UsageError."""
    if len(words) < 2:
        raise UsageError("cp: wanted SRC… DST, one of them NODE:path")
    *sources, destination = (place(word) for word in words)
    nodes = {one.node for one in (*sources, destination)} - {None}
    there = {one.node for one in sources}
    if len(nodes) != 1 or len(there) != 1 or destination.node in there:
        raise UsageError(
            "cp: one end is this machine and the other one node: cp SRC… NODE:path, or "
            "cp NODE:path… DST; between nodes a sync job copies"
        )
    (node,) = nodes
    return tuple(sources), destination, str(node)


def argv(
    sources: Sequence[Place], destination: Place, way: Sequence[str] | None, root: str
) -> tuple[str, ...]:
    """The exact command. `way` is ssh's command up to the host, None where the node is this machine; what is
    relative there is so to `root`."""
    if way is None:
        found = [_local(one, root) for one in (*sources, destination)]
        return (*_WORDS, "--", *found)
    *shell, host = way
    shell = shell[:-1] if shell[-1:] == ["--"] else shell
    host = f"[{host}]" if ":" in host else host
    found = [
        _here(one.path) if one.node is None else f"{host}:{_there(one.path, root)}"
        for one in (*sources, destination)
    ]
    return (*_WORDS, "--rsh=" + " ".join(map(_quoted, shell)), "--", *found)


async def copy(command: Sequence[str], told: Told) -> Copied:
    """Runs it. Raises LinkError where the node is not reached, Refused where rsync is not there, QuarterdeckError
    where not all went well; what came stays, and the same again goes on from there."""
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        child = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
    except FileNotFoundError:
        raise Refused("cp: rsync is not installed on this machine; nothing was copied") from None
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        said, complained = await asyncio.gather(_follow(child.stdout, told), child.stderr.read())
        code = await child.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGINT)  # it keeps what it has of a file
        await child.wait()
        raise
    return _outcome(code, said, complained)


async def _follow(stream: asyncio.StreamReader, told: Told) -> bytes:
    """Tells of the progress; gives what was said beside it."""
    said, rest = b"", b""
    while data := await stream.read(65_536):
        *lines, rest = (rest + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            found = _PROGRESS.match(line)
            if found:
                rate = float(found[3]) * _SCALE[found[4]]
                told(_number(found[1]), int(found[2]), rate)
            else:
                said += line + b"\n"
    return said + rest


def _outcome(code: int, said: bytes, complained: bytes) -> Copied:
    files, size = _FILES.search(said), _BYTES.search(said)
    copied = Copied(_number(files[1]) if files else 0, _number(size[1]) if size else 0)
    if code == 0:
        return copied
    if code == _VANISHED:
        return Copied(copied.files, copied.bytes, "some files vanished before they were copied")
    words = _MEANINGS.get(code, f"rsync ended with {code}")
    lines = [one_line(line.decode(errors="replace"), 300) for line in complained.splitlines()]
    text = f"cp: {words}; the same again goes on from there"
    text = "\n".join((text, *(f"  {line}" for line in lines[:_LAST_LINES] if line)))
    if code in _UNREACHED:
        raise LinkError(Problem(ProblemKind.UNREACHABLE, text))
    raise QuarterdeckError(text)


def checked(way: Unattended, node: str) -> Sequence[str]:
    """Raises Refused where somebody would be asked: rsync's ssh asks nobody."""
    if way.problem:
        raise Refused(f"cp: {node}: {way.problem}; nothing was copied")
    return way.command


def _local(one: Place, root: str) -> str:
    if one.node is None:
        return _here(one.path)
    whole = os.path.join(os.path.expanduser(root or "~"), os.path.expanduser(one.path))
    return _here(whole)


def _here(path: str) -> str:
    """A path that rsync takes for one of this machine, whatever is in it."""
    path = os.path.expanduser(path)
    return path if path.startswith("/") else f"./{path}"


def _there(path: str, root: str) -> str:
    """As rsync over there reads it: what is relative is so to the login's home."""
    base = root or "~"
    whole = (
        path if path.startswith(("/", "~")) else (f"{base.rstrip('/')}/{path}" if path else base)
    )
    if whole == "~":
        return "./"
    if whole.startswith("~/"):
        return f"./{whole[2:]}"
    if whole.startswith("~"):
        raise UsageError(f"cp: '{one_line(path)}': of another account's home give the whole path")
    return whole if whole.startswith("/") else f"./{whole}"


def _quoted(word: str) -> str:
    """One word for rsync's own splitting: quotes are doubled within quotes, nothing is escaped."""
    if word and not any(c.isspace() or c in "'\"" for c in word):
        return word
    return "'" + word.replace("'", "''") + "'"


def _number(text: bytes) -> int:
    return int(text.replace(b",", b""))
