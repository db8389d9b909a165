"""Stage two of an agent's start: finds or receives the bundle, checks it, runs the agent from it.

Travels as source at each start (with ``places`` and ``shelf``) and is executed by the one-line stage one
of the console's bootstrap. It reads a line of fixed length (nonce, digest, size), answers with a marker
derived from the nonce (an echo of what was sent is no answer), receives the bundle where it is missing,
and hands over to ``workers.agent.main``.
"""

import os
import struct
import sys
from typing import List, NamedTuple, Optional, Tuple

from workers.agent.places import open_state_directory
from workers.agent.shelf import Shelf, digest_of, nameless, write_all

HEADER_BYTES = 32 + 64 + 8  # nonce, digest of the bundle, its size in decimal
EXIT_FAILED = 70


class Boot(NamedTuple):
    """What the agent is handed: its private channel and where it may keep things."""

    channel_in: int
    channel_out: int
    digest: str = ""
    state_directory: Optional[str] = None
    warnings: Tuple[str, ...] = ()


def marker_of(nonce: bytes) -> bytes:
    """What a started agent says first."""
    return b"qd:" + digest_of(nonce)[:40].encode("ascii") + b":"


def boot() -> None:
    """Runs the whole start; never returns."""
    os.umask(0o077)
    channel_in, channel_out = _private_channel()
    try:
        start = _prepare(channel_in, channel_out)
        from workers.agent.main import main
    except EOFError:
        os._exit(EXIT_FAILED)
    except BaseException as error:
        _say_failure(channel_out, f"{type(error).__name__}: {error}")
        os._exit(EXIT_FAILED)
    os.dup2(0, 2)  # what goes wrong from here on is said in frames
    main(start)


def _private_channel() -> Tuple[int, int]:
    """Moves the channel away from 0 and 1, so that no library can print into it."""
    channel = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    return channel


def _prepare(channel_in: int, channel_out: int) -> Boot:
    header = read_exact(channel_in, HEADER_BYTES)
    nonce, digest, size = header[:32], header[32:96].decode("ascii"), int(header[96:])
    problems: List[str] = []
    state, shelf = _open_shelf(problems)
    bundle = shelf.take(digest, size, problems) if shelf else None
    write_all(channel_out, marker_of(nonce) + (b"+" if bundle is not None else b"-"))
    if bundle is None:
        bundle = _receive(channel_in, digest, size, shelf, problems)
    sys.path.insert(0, _path_of(bundle))
    return Boot(channel_in, channel_out, digest, state, tuple(problems))


def _open_shelf(problems: List[str]) -> Tuple[Optional[str], Optional[Shelf]]:
    found = open_state_directory(problems)
    if found is None:
        problems.append("no state directory: the agent runs from memory and is sent at each start")
        return None, None
    try:
        return found[0], Shelf(found[1])
    except OSError as error:
        problems.append(f"{found[0]}/agents: {error.strerror}: the agent runs from memory")
        return found[0], None


def _receive(
    channel: int, digest: str, size: int, shelf: Optional[Shelf], problems: List[str]
) -> int:
    data = read_exact(channel, size)
    if digest_of(data) != digest:
        raise OSError("the agent arrived damaged: its SHA-256 is not the one announced")
    if shelf is not None:
        try:
            shelf.put(digest, data)
            shelf.prune(digest)
        except OSError as error:
            problems.append(f"the agent cannot be stored ({error.strerror}) and runs from memory")
        stored = shelf.take(digest, size, problems)
        if stored is not None:
            return stored
    return nameless(data)


def _path_of(bundle: int) -> str:
    path = f"/proc/{os.getpid()}/fd/{bundle}"
    if os.path.exists(path):
        return path
    try:  # no /proc: macOS can name an open file
        import fcntl

        return fcntl.fcntl(bundle, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode()  # type: ignore[attr-defined,no-any-return,unused-ignore]
    except (ImportError, AttributeError, OSError):
        raise OSError("/proc is not mounted: the agent cannot be loaded") from None


def _say_failure(channel: int, text: str) -> None:
    import json

    body = json.dumps({"type": "failure", "code": "start", "text": text[:2000]}).encode("ascii")
    try:
        write_all(channel, struct.pack(">IBI", len(body), 1, 0) + body)
    except OSError:
        pass


def read_exact(channel: int, count: int) -> bytes:
    """Exactly ``count`` bytes. Raises EOFError where the channel ends before."""
    parts: List[bytes] = []
    while count:
        piece = os.read(channel, min(count, 65_536))
        if not piece:
            raise EOFError
        parts.append(piece)
        count -= len(piece)
    return b"".join(parts)
