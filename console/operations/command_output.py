"""What a command said on one node, and how it ended there."""

from __future__ import annotations

from collections import deque

from console import formatting
from console.fleet.logs.look import read
from console.fleet.workers.words import ended
from console.operations.outcomes import Verdict
from workers.protocol import WorkerRecord

MOST_BYTES = 16 * 1024 * 1024  # kept of one node's output, the newest
_SHOWN_BYTES = 256 * 1024  # made into lines


class CommandOutput:
    """`verdict` is None while it runs; DONE where it ended with exit code 0."""

    def __init__(self, node: str, run_id: str) -> None:
        self.node = node
        self.run_id = run_id
        self.step = "starting"
        self.verdict: Verdict | None = None
        self.text = ""
        self.exit_code: int | None = None
        self.signal: int | None = None
        self.timed_out_s: float | None = None
        self.dropped_bytes = 0
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._lines: tuple[int, list[str]] = (0, [])

    # ------------------------------------------------------------ what came of it

    @property
    def well(self) -> bool:
        """Nothing is wrong, so far."""
        return self.verdict in (None, Verdict.DONE)

    @property
    def words(self) -> str:
        """`running`, `exited 0`, `exit 3 …`, `gpu-1 is not connected; nothing was sent`."""
        return self.step if self.verdict is None else self.text

    def end(self, record: WorkerRecord) -> None:
        """It is over."""
        self.exit_code, self.signal = record.exit_code, record.signal
        clean = record.state == "exited" and record.exit_code == 0
        self.verdict = Verdict.DONE if clean else Verdict.FAILED
        self.text = _ended(record)
        if self.timed_out_s is not None:
            self.verdict = Verdict.FAILED
            self.text = f"stopped after {formatting.age(self.timed_out_s)}: {self.text}"

    def fail(self, verdict: Verdict, text: str) -> None:
        """It did not run, or what became of it is not known."""
        self.verdict, self.text = verdict, text

    # ------------------------------------------------------------ what it said

    def add(self, which: int, data: bytes) -> None:
        """Bytes of one of its streams, in the order they came."""
        self._pieces.append((which, data))
        self._bytes += len(data)
        while self._bytes > MOST_BYTES and len(self._pieces) > 1:
            gone = len(self._pieces.popleft()[1])
            self._bytes -= gone
            self.dropped_bytes += gone

    def output(self, which: int | None = None) -> bytes:
        """The bytes of one stream, or of both in the order they came."""
        return b"".join(data for stream, data in self._pieces if which in (None, stream))

    @property
    def lines(self) -> list[str]:
        """The end of it as lines for a person: sanitised, without colours."""
        total = self._bytes + self.dropped_bytes
        if self._lines[0] != total:
            raw = self.output()[-_SHOWN_BYTES:]
            self._lines = (total, [read(line).text for line in raw.splitlines()])
        return self._lines[1]


def _ended(record: WorkerRecord) -> str:
    """A command's exit code is its own: what the codes of workers mean says nothing about it."""
    if record.state == "exited" and record.exit_code and not record.oom:
        return f"exit {record.exit_code}"
    return ended(record)
