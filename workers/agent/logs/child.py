"""The agent's end of the log child: a process of its own, so that no expression can hold the agent up.

It gets the agent's own code the way the GPU child does, and nothing else of ours. What it is asked travels
on its standard input: a pattern is nobody's business in a process list.
"""

import os
import select
import subprocess
import sys
import time
from typing import List, Optional

from workers.agent.gpu_child import source_root
from workers.protocol import Frame, FrameDecoder

_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from workers.agent.logs.child_main import main; main(*sys.argv[2:])"
)


class ChildLost(OSError):
    """The child ended, or did not answer in time."""


class Child:
    """One process, to be closed. Not for the agent's loop. Raises OSError where it cannot be started."""

    def __init__(self, node_folder: Optional[str], root: str) -> None:
        self._decoder = FrameDecoder()
        self._frames: List[Frame] = []
        self._process = _start(node_folder or "", root)

    def send(self, frame: bytes) -> None:
        """Raises OSError."""
        assert self._process.stdin is not None
        self._process.stdin.write(frame)
        self._process.stdin.flush()

    def receive(self, timeout_s: float) -> Frame:
        """Its next frame. Raises ChildLost."""
        assert self._process.stdout is not None
        answers = self._process.stdout.fileno()
        deadline = time.monotonic() + timeout_s
        while not self._frames:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([answers], [], [], left_s)[0]:
                raise ChildLost(f"no answer within {timeout_s:.0f} s")
            data = os.read(answers, 65_536)
            if not data:
                raise ChildLost("the search ended without an answer")
            self._frames += self._decoder.feed(data)
        return self._frames.pop(0)

    def close(self) -> None:
        """Ends it at once."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass  # what was still to be sent
        self._process.wait()


def _start(node_folder: str, root: str) -> "subprocess.Popen[bytes]":
    source = source_root()
    bundle = -1 if os.path.isdir(source) else os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    if bundle >= 0:
        source = f"/proc/self/fd/{bundle}"
    python = sys.executable or "/proc/self/exe"
    try:
        return subprocess.Popen(
            [python, "-I", "-S", "-B", "-X", "utf8", "-c", _PROGRAM, source, node_folder, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=() if bundle < 0 else (bundle,),
            cwd="/",
        )
    finally:
        if bundle >= 0:
            os.close(bundle)
