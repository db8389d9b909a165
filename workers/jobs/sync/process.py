"""One rsync that runs: its progress, its words, its end, and how it is ended."""

import contextlib
import fcntl
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import IO, NamedTuple

from workers.harness import Misconfigured
from workers.jobs.sync.progress import Lines, Progress, read_progress

_LOOK_EVERY_S = 0.2
_TERM_S = 5.0
_GATHER_S = 0.05  # rsync says a line for each file: many are read at once
_PIPE_BYTES = 1 << 20
_SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ, of Linux
_KEPT = 50  # lines of what it said

OnProgress = Callable[[Progress], None]
Check = Callable[[], None]
"""Called often; raises what ends the transfer."""


class Ended(NamedTuple):
    """``code`` as of rsync, negative for a signal; ``said``: its last lines that were no progress."""

    code: int
    said: tuple[str, ...]


def transfer(argv: Sequence[str], file_list: bytes, on_progress: OnProgress, check: Check) -> Ended:
    """Runs it to its end. Raises Misconfigured where it cannot be started, and whatever ``check`` raises."""
    with tempfile.TemporaryFile() as names:
        names.write(file_list)
        names.seek(0)
        process = start(argv, names)
    assert process.stdout is not None
    assert process.stderr is not None
    return watch([process], [process.stdout, process.stderr], on_progress, check)


def start(
    argv: Sequence[str], stdin: "IO[bytes] | int", stdout: int = subprocess.PIPE
) -> "subprocess.Popen[bytes]":
    """Raises Misconfigured where the program is not there."""
    try:
        return subprocess.Popen(
            argv, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=environment()
        )
    except OSError as error:
        raise Misconfigured(f"{argv[0]} cannot be run: {error.strerror}") from error


def environment() -> dict[str, str]:
    """Ours without what would change rsync's options or the language it speaks."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RSYNC_")}
    return {**kept, "LC_ALL": "C"}


def watch(
    processes: "Sequence[subprocess.Popen[bytes]]",
    streams: Sequence[IO[bytes]],
    on_progress: OnProgress,
    check: Check,
) -> Ended:
    """Reads the streams until they end; the code is the first process's. All end, whatever happens here."""
    said: list[str] = []
    try:
        with selectors.DefaultSelector() as selector:
            for stream in streams:
                os.set_blocking(stream.fileno(), False)
                _widen(stream.fileno())
                selector.register(stream, selectors.EVENT_READ, Lines())
            while selector.get_map():
                check()
                for key, _ in selector.select(_LOOK_EVERY_S):
                    _read(selector, key, said, on_progress)
                time.sleep(_GATHER_S)
        return Ended(_wait(processes, check), tuple(said))
    finally:
        end(processes)
        for stream in streams:
            stream.close()


def end(processes: "Sequence[subprocess.Popen[bytes]]") -> None:
    """TERM, so that rsync keeps what it has of a file; KILL for what does not end by that."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + _TERM_S
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(processes: "Sequence[subprocess.Popen[bytes]]", check: Check) -> int:
    while any(process.poll() is None for process in processes):
        check()
        time.sleep(0.02)
    return int(processes[0].returncode)


def _read(
    selector: selectors.BaseSelector,
    key: selectors.SelectorKey,
    said: list[str],
    on_progress: OnProgress,
) -> None:
    lines: Lines = key.data
    piece = os.read(key.fd, _PIPE_BYTES)
    if not piece:
        selector.unregister(key.fileobj)
    newest = None
    for line in lines.feed(piece) if piece else lines.end():
        progress = read_progress(line)
        if progress is not None:
            newest = progress
        else:
            said.append(line.decode(errors="backslashreplace").strip()[:1000])
            del said[:-_KEPT]
    if newest is not None:
        on_progress(newest)


def _widen(pipe: int) -> None:
    """Room for what is said between two looks; where there is no more, rsync waits a moment."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, _SET_PIPE_SIZE, _PIPE_BYTES)
