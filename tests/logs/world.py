"""Logs for tests: attempts without a supervisor, writers at full speed, and agents spoken to in chunks."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.agents import AgentProcess
from workers.agent.identity import hello
from workers.protocol import (
    AGENT_MESSAGES,
    DATA,
    Heartbeat,
    LogChunk,
    TailCredit,
    TailEnded,
    TailNote,
    WorkerSpec,
    decode_chunk,
    decode_message,
)
from workers.supervisor.log_index import LogIndex
from workers.supervisor.log_reader import Loss, Piece, StreamReader
from workers.supervisor.log_room import Limits
from workers.supervisor.paths import AttemptPaths
from workers.supervisor.rotation import Rotator
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

RUN_ID = "0a" * 16
SMALL = Limits(segment=64 * 1024, live=64 * 1024, free=0)
KIB = 1024

_WRITER = """
import os, sys
count, pause_every = int(sys.argv[1]), int(sys.argv[2])
import time
for number in range(count):
    os.write(1, b"line %09d of a worker that never stops\\n" % number)
    if pause_every and number % pause_every == 0:
        time.sleep(0.001)
"""


def numbered(first: int, last: int) -> bytes:
    """The lines a writer writes."""
    return b"".join(b"line %09d of a worker that never stops\n" % n for n in range(first, last))


@contextmanager
def writer(
    paths: AttemptPaths, count: int, pause_every: int = 0
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes numbered lines the way a worker's output is written. Ended with the block."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    out = os.open(paths.log("out"), flags, 0o600)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _WRITER, str(count), str(pause_every)], stdout=out
    )
    os.close(out)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def append(path: str | Path, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(data)


class Reports:
    """What a rotator reports."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, kind: str, **fields: Any) -> None:
        self.events.append((kind, fields))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [fields for found, fields in self.events if found == kind]


def attempt(folder: Path) -> AttemptPaths:
    folder.mkdir(mode=0o700, exist_ok=True)
    return AttemptPaths(str(folder))


def settle(rotator: Rotator) -> None:
    """Works until nothing waits."""
    while rotator.step() == 0.0:
        pass


def reader(paths: AttemptPaths, stream: str = "out") -> StreamReader:
    return StreamReader(paths, stream, LogIndex(paths.index))


def read_all(paths: AttemptPaths, stream: str = "out", start: int = 0) -> tuple[bytes, list[Loss]]:
    """All that a reader who comes now is given."""
    found, losses = bytearray(), []
    opened = reader(paths, stream)
    offset = start
    try:
        while (item := opened.read(offset, 256 * KIB)) is not None:
            if isinstance(item, Piece):
                assert item.offset == offset
                found += item.data
            else:
                losses.append(item)
            offset = item.end
    finally:
        opened.close()
    return bytes(found), losses


# ---------------------------------------------------------------- runs and agents


_LOCKS: list[int] = []


def make_run(state: Path, run_id: str = RUN_ID) -> Run:
    """A run of this very machine, as an agent whose state is here finds it: attempt 1 runs.

    We hold it as its supervisors would: an agent would go on with a run that nobody looks after.
    """
    node = state / "nodes" / hello("", None, ()).node_key
    node.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    run = Runs(str(node)).create(WorkerSpec(run_id, "train", ("sleep", "600")))
    begin_attempt(run, 1)
    lock = run.take()
    assert lock is not None
    _LOCKS.append(lock)
    return run


def let_go() -> None:
    """Of every run that was made."""
    while _LOCKS:
        os.close(_LOCKS.pop())


def begin_attempt(run: Run, number: int) -> AttemptPaths:
    paths = run.paths.attempt(number)
    os.mkdir(paths.folder, 0o700)
    for stream in ("out", "err"):
        append(paths.log(stream), b"")
    run.append("intent", attempt=number)
    run.append("started", attempt=number, pid=2**22 + 1, ticks=1)
    return paths


def end_run(run: Run) -> None:
    run.append("exited", attempt=run.condition().attempt, code=0)
    run.append("finished")


class LogAgent(AgentProcess):
    """An agent whose chunks are received like its messages. ``credit`` False: nothing is granted."""

    def __init__(self, state: Path | None = None, credit: bool = True, **options: Any) -> None:
        super().__init__(state, **options)
        self.credit = credit
        self.log_bytes = 0

    def _read(self, timeout_s: float) -> None:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], max(0.0, timeout_s))[0]:
            return
        data = os.read(self.process.stdout.fileno(), 65_536)
        if not data:
            raise AssertionError(f"the agent ended: {self.process.wait(10)}")
        for frame in self._decoder.feed(data):
            if frame.kind == DATA:
                self.log_bytes += len(frame.payload)
                self.inbox.append((frame.stream, decode_chunk(frame.payload)))
                if self.credit:
                    self.send(TailCredit(len(frame.payload)), frame.stream)
            else:
                message = decode_message(frame.payload, AGENT_MESSAGES)
                self.inbox.append((frame.stream, message))
                if isinstance(message, Heartbeat):  # as a console does
                    self.send(Heartbeat(message.sequence, 0.0, 0.0, message.sequence))

    def next_of(self, stream: int, timeout_s: float = 20.0) -> Any:
        """The next of a tail: a chunk, a note or its end."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for place, (number, item) in enumerate(self.inbox):
                if number == stream:
                    del self.inbox[place]
                    return item
            self._read(deadline - time.monotonic())
        raise AssertionError(f"nothing of tail {stream} within {timeout_s} s")

    def until(self, stream: int, enough: Callable[[list[Any]], Any]) -> list[Any]:
        """What comes of a tail until it is enough."""
        found: list[Any] = []
        while not enough(found):
            found.append(self.next_of(stream))
        return found

    def to_the_end(self, stream: int) -> list[Any]:
        """All of a tail; the last is its ``TailEnded``."""
        return self.until(
            stream, lambda found: found and not isinstance(found[-1], (LogChunk, TailNote))
        )


def bytes_of(items: list[Any], which: int | None = None) -> bytes:
    """The bytes among the items."""
    chunks = [item for item in items if isinstance(item, LogChunk)]
    return b"".join(chunk.data for chunk in chunks if which is None or chunk.which == which)


def notes_of(items: list[Any], *kinds: str) -> list[TailNote]:
    """The notes among the items; without ``kinds`` all that are for people."""
    notes = [item for item in items if isinstance(item, TailNote)]
    return [note for note in notes if (note.kind in kinds if kinds else note.kind != "start")]


def ended(items: list[Any]) -> TailEnded:
    last = items[-1]
    assert isinstance(last, TailEnded), last
    return last
