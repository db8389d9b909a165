"""A real terminal for a program under test: a pty, and pyte to read its screen as a person would."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

import pyte

PROBE_ANSWERS = {
    b"\x1b[c": b"\x1b[?62;22c",  # device attributes
    b"\x1b[6n": b"\x1b[1;1R",  # cursor position
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",  # synchronised output: supported, off
    b"\x1b[?2048$p": b"\x1b[?2048;0$y",
}


class Terminal:
    """Runs `argv` in a pty of `columns` × `rows`; everything it wrote is kept in `raw`."""

    def __init__(
        self,
        argv: Sequence[str],
        columns: int = 160,
        rows: int = 45,
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.started = time.monotonic()
        self.returncode: int | None = None
        self.pid, self._master = pty.fork()
        if self.pid == 0:  # the program
            with contextlib.suppress(BaseException):
                if directory:
                    os.chdir(directory)
                env = dict(os.environ if environment is None else environment)
                env.setdefault("TERM", "xterm-256color")
                env.setdefault("COLORTERM", "truecolor")
                os.execvpe(argv[0], list(argv), env)
            os._exit(127)
        self.resize(columns, rows)
        os.set_blocking(self._master, False)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def pump(self, seconds: float) -> bytes:
        """Reads what comes within `seconds`, at most one piece; answers the terminal queries in it."""
        readable, _, _ = select.select([self._master], [], [], seconds)
        if not readable:
            return b""
        try:
            data = os.read(self._master, 1 << 16)
        except (BlockingIOError, OSError):  # EIO: the program ended
            return b""
        self.raw += data
        self._stream.feed(data)
        for question, answer in PROBE_ANSWERS.items():
            if question in data:
                self.send(answer)
        return data

    def send(self, keys: str | bytes) -> None:
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    @property
    def text(self) -> str:
        """The screen as it looks now, one line a row."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, wanted: str | Callable[[str], bool], timeout_s: float = 15.0) -> float:
        """Seconds until the screen holds `wanted`. Raises AssertionError that shows the screen."""
        holds = (lambda text: wanted in text) if isinstance(wanted, str) else wanted
        start = time.monotonic()
        while not holds(self.text):
            if time.monotonic() - start > timeout_s:
                raise AssertionError(
                    f"not on the screen within {timeout_s} s: {wanted!r}\n{self.text}"
                )
            if not self.pump(0.05) and self.poll() is not None:
                raise AssertionError(f"ended with {self.returncode} before {wanted!r}\n{self.text}")
        return time.monotonic() - start

    def wait_for_exit(self, timeout_s: float = 15.0) -> int:
        deadline = time.monotonic() + timeout_s
        while self.poll() is None:
            self.pump(0.05)
            if time.monotonic() > deadline:
                raise AssertionError(f"still running after {timeout_s} s\n{self.text}")
        while self.pump(0.05):
            pass
        assert self.returncode is not None
        return self.returncode

    def poll(self) -> int | None:
        if self.returncode is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def cpu_s(self) -> float:
        """CPU seconds of the program itself so far, its children left out."""
        with open(f"/proc/{self.pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Ends the program (TERM, then KILL after 3 s) and gives the pty back."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + 3
            while self.poll() is None and time.monotonic() < deadline:
                self.pump(0.05)
            if self.poll() is None:
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
                self.returncode = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(OSError):
            os.close(self._master)
