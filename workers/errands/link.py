"""The wire between a job and an errand program: one child process, lines of JSON both ways."""

import hashlib
import json
import os
import secrets
import select
import subprocess
import threading
import time
from typing import Any, Callable, Dict, List, Optional

from workers.errands import code
from workers.errands.answers import failed
from workers.errands.faults import ErrandFailed, Unreachable
from workers.protocol.pythons import LEAST_PYTHON, NONE_FITS

Part = Callable[[Any], None]
Beat = Callable[[int, int], None]

HELLO_S = 60.0  # a slow link brings the code in this time
SILENCE_S = 60.0  # the program says something every few seconds while it works
STUCK_S = 900.0  # within one system call: a dead mount
PING_S = 20.0
CLOSE_S = 5.0
MARKER = "qd-errand:"
LONGEST_LINE_BYTES = 32 * 1024 * 1024
_MAX_NOISE_BYTES = 256 * 1024
_STDERR_BYTES = 16 * 1024


def marker_of(nonce: str) -> bytes:
    """What the program says first; an echo of what was sent is no answer."""
    return (MARKER + hashlib.sha256(nonce.encode("ascii")).hexdigest()[:40] + ":").encode("ascii")


class Link:
    """One running errand program. ``hello`` is what it said of itself and its machine."""

    def __init__(self, argv: List[str], name: str) -> None:
        self._name = name
        try:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
        except OSError as error:
            raise Unreachable(f"{name}: {argv[0]}: {error.strerror or error}") from None
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._in, self._out = self._child.stdin.fileno(), self._child.stdout.fileno()
        os.set_blocking(self._in, False)
        self._buffer = bytearray()
        self._searched = 0
        self._number = 0
        self._writing = threading.Lock()
        self._asking = threading.Lock()
        self._ended = threading.Event()
        self._said = bytearray()
        self.hello: Dict[str, Any] = {}
        self._listener = threading.Thread(target=self._listen, name=f"{name} stderr", daemon=True)
        self._listener.start()

    @classmethod
    def start(cls, ssh: Optional[List[str]], name: str) -> "Link":
        """``ssh``: the words before the far command; None: this machine. Raises Unreachable, ErrandFailed."""
        argv = code.near_command() if ssh is None else [*ssh, code.far_command()]
        link = cls(argv, name)
        try:
            link._greet()
        except BaseException:
            link.close()
            raise
        return link

    def ask(
        self,
        do: str,
        asked: Dict[str, Any],
        part: Optional[Part] = None,
        beat: Optional[Beat] = None,
    ) -> Any:
        """The result; ``part`` is given each piece of it that comes before, ``beat`` (done, total) bytes.

        Raises Unreachable, ErrandFailed. One at a time; ``close`` of another thread ends it.
        """
        with self._asking:
            self._number += 1
            self._send(json.dumps({**asked, "id": self._number, "do": do}).encode("ascii") + b"\n")
            while True:
                said = self._line(SILENCE_S)
                if said.get("id") != self._number:
                    continue
                if "beat" in said:
                    self._beat(said["beat"], beat)
                elif "part" in said:
                    if part is not None:
                        part(said["part"])
                elif "failed" in said:
                    raise failed(said["failed"], self._name)
                else:
                    return said.get("result")

    def close(self) -> None:
        """Ends the program by closing its input, then for certain. May be called again."""
        if self._ended.is_set():
            return
        self._ended.set()
        with self._writing:
            assert self._child.stdin is not None
            self._child.stdin.close()
        if self._asking.locked():
            self._child.terminate()  # it would see the end of its input only after its work
        try:
            self._child.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        with self._asking:
            assert self._child.stdout is not None
            self._child.stdout.close()

    def _greet(self) -> None:
        nonce = secrets.token_hex(16)
        marker = marker_of(nonce)
        unsent = memoryview(code.greeting(nonce))
        while marker not in self._buffer:
            if len(self._buffer) > _MAX_NOISE_BYTES:
                raise ErrandFailed("failed", f"{self._name}: its shell prints without end")
            if NONE_FITS in self._buffer:
                least = ".".join(map(str, LEAST_PYTHON))
                raise ErrandFailed("no_python", f"{self._name}: no Python {least} or newer there")
            unsent = self._exchange(unsent)
        del self._buffer[: self._buffer.find(marker) + len(marker)]
        self.hello = self._line(HELLO_S)
        threading.Thread(target=self._ping, name=f"{self._name} ping", daemon=True).start()

    def _exchange(self, unsent: memoryview) -> memoryview:
        """Takes what is said while the code is sent: it may be why nobody wants it."""
        poll = select.poll()
        poll.register(self._out, select.POLLIN)
        if unsent:
            poll.register(self._in, select.POLLOUT)
        ready = poll.poll(int(HELLO_S * 1000))
        if not ready:
            raise Unreachable(f"{self._name}: silent for {HELLO_S:.0f} s{self._words()}")
        if any(file == self._out for file, _ in ready):
            self._read(0.0, HELLO_S)
            return unsent
        try:
            return unsent[os.write(self._in, unsent) :]
        except BlockingIOError:
            return unsent
        except OSError:
            return unsent[:0]  # what it said before it ended tells why

    def _beat(self, said: Any, beat: Optional[Beat]) -> None:
        if type(said) is not list or [type(each) in (int, float) for each in said] != [True] * 3:
            raise ErrandFailed("failed", f"{self._name}: said what is no beat")
        done, total, stuck_s = said
        if stuck_s > STUCK_S:
            raise Unreachable(f"{self._name}: stuck in one call to its disk for {stuck_s:.0f} s")
        if beat is not None:
            beat(done, total)

    # ------------------------------------------------------------ bytes

    def _line(self, patience_s: float) -> Dict[str, Any]:
        deadline = time.monotonic() + patience_s
        while True:
            at = self._buffer.find(b"\n", self._searched)
            if at >= 0:
                line = bytes(self._buffer[:at])
                del self._buffer[: at + 1]
                self._searched = 0
                return self._parsed(line)
            self._searched = len(self._buffer)
            if self._searched > LONGEST_LINE_BYTES:
                raise ErrandFailed("failed", f"{self._name}: answers without end")
            self._read(deadline - time.monotonic(), patience_s)

    def _parsed(self, line: bytes) -> Dict[str, Any]:
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise ErrandFailed("failed", f"{self._name}: said what is no answer: {line[:80]!r}")
        return said

    def _read(self, left_s: float, patience_s: float) -> None:
        if not _ready(self._out, select.POLLIN, left_s):
            raise Unreachable(f"{self._name}: silent for {patience_s:.0f} s{self._words()}")
        data = os.read(self._out, 1 << 20)
        if not data:
            raise self._over()
        self._buffer += data

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        with self._writing:
            while view:
                if self._ended.is_set():
                    raise Unreachable(f"{self._name}: the errand is closed")
                if not _ready(self._in, select.POLLOUT, SILENCE_S):
                    raise Unreachable(f"{self._name}: took nothing for {SILENCE_S:.0f} s")
                try:
                    view = view[os.write(self._in, view) :]
                except BlockingIOError:
                    continue
                except OSError:
                    raise self._over() from None

    def _over(self) -> Exception:
        """Why there will be no more answers."""
        try:
            status = self._child.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            return Unreachable(f"{self._name}: closed its output{self._words()}")
        self._listener.join(1.0)
        if self.hello or status == 255:
            return Unreachable(f"{self._name}: the connection ended{self._words()}")
        text = f"{self._name}: the errand did not start, exit code {status}{self._words()}"
        return ErrandFailed("failed", text)

    def _ping(self) -> None:
        """Says that the job is still there, so that a lost one keeps no lock."""
        while not self._ended.wait(PING_S):
            if self._writing.acquire(blocking=False):
                try:
                    if not self._ended.is_set():
                        os.write(self._in, b'{"do":"ping"}\n')
                except OSError:
                    pass  # the next request says what is wrong
                finally:
                    self._writing.release()

    def _listen(self) -> None:
        assert self._child.stderr is not None
        with self._child.stderr as stream:
            while True:
                data = stream.read(4096)
                if not data:
                    return
                self._said += data
                del self._said[:-_STDERR_BYTES]

    def _words(self) -> str:
        """The last that was heard on standard error, as an addition to a sentence."""
        lines = bytes(self._said).decode("utf-8", "replace").split("\n")
        told = ["".join(c for c in line if c.isprintable()).strip() for line in lines]
        return "".join(f": {line[:300]}" for line in [line for line in told if line][-1:])


def _ready(file: int, event: int, timeout_s: float) -> bool:
    """Whether the descriptor is ready in time; ``select`` has no room for one above 1023."""
    poll = select.poll()
    poll.register(file, event)
    return bool(poll.poll(max(0, int(timeout_s * 1000))))
