"""The agent's end of the GPU child.

How it is started: ``posix_spawn`` of this Python with a one-line program, never ``fork``, because the
agent has threads by then (disks, counts) and a forked copy could inherit a held lock. The code is
the agent's own: a source folder is named to the child, a bundle is opened and handed over as file
descriptor 3, so that it works for a file that was pruned since and for one that only lives in
memory. The child gets nothing else of ours.
"""

import os
import signal
import sys
from typing import List, Optional, Tuple

from workers.protocol import FrameDecoder, GpuReport, ProtocolError, decode_message

_BUNDLE_FD = 3
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from workers.agent.gpu_main import main; main()"
)


def source_root() -> str:
    """The bundle or folder that this code was loaded from."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class GpuChild:
    """One child process. No method blocks. Raises OSError when it cannot be started."""

    def __init__(self, source: str, library_folder: str = "") -> None:
        self._frames = FrameDecoder()
        self.pid, self._requests, self._answers = _spawn(source, library_folder)

    def ask(self) -> bool:
        """Asks for one report; False when the child is gone."""
        try:
            os.write(self._requests, b"?")
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def receive(self) -> Tuple[List[GpuReport], bool]:
        """The reports that have come, and whether the child has ended its output."""
        reports: List[GpuReport] = []
        while True:
            try:
                data = os.read(self._answers, 65_536)
            except BlockingIOError:
                return reports, False
            except OSError:
                return reports, True
            if not data:
                return reports, True
            try:
                frames = self._frames.feed(data)
                reports += [decode_message(frame.payload, (GpuReport,)) for frame in frames]
            except ProtocolError:
                return reports, True

    @property
    def answers(self) -> int:
        """The descriptor that turns readable when an answer comes."""
        return self._answers

    def kill(self) -> None:
        """Lets go of it. A child stuck in the kernel dies when the kernel lets it."""
        for descriptor in (self._requests, self._answers):
            os.close(descriptor)
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def reap(pid: int) -> Optional[int]:
    """The wait status of an ended child, None while it is there; 0 when someone else took it."""
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return status if done else None


def _spawn(source: str, library_folder: str) -> Tuple[int, int, int]:
    """The pid, where to write requests and where to read answers."""
    opened: List[int] = []
    try:
        requests_in, requests_out = os.pipe()
        opened += [requests_in, requests_out]
        answers_in, answers_out = os.pipe()
        opened += [answers_in, answers_out]
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        opened.append(null)
        wanted = [(requests_in, 0), (answers_out, 1), (null, 2)]
        if not os.path.isdir(source):
            opened.append(os.open(source, os.O_RDONLY | os.O_CLOEXEC))
            wanted.append((opened[-1], _BUNDLE_FD))
            source = f"/proc/self/fd/{_BUNDLE_FD}"
        pid = _start(wanted, source, library_folder)
    except BaseException:
        for descriptor in opened:
            os.close(descriptor)
        raise
    for descriptor in opened:
        if descriptor not in (requests_out, answers_in):
            os.close(descriptor)
    os.set_blocking(requests_out, False)
    os.set_blocking(answers_in, False)
    return pid, requests_out, answers_in


def _start(wanted: List[Tuple[int, int]], source: str, library_folder: str) -> int:
    import fcntl

    # Copies above the numbers they are to take, so that no step overwrites what a later one needs.
    copies = [fcntl.fcntl(old, fcntl.F_DUPFD_CLOEXEC, 16) for old, _ in wanted]
    environment = dict(os.environ)
    if library_folder:
        others = environment.get("LD_LIBRARY_PATH")
        environment["LD_LIBRARY_PATH"] = library_folder + (":" + others if others else "")
    python = sys.executable or "/proc/self/exe"
    try:
        return os.posix_spawn(
            python,
            [python, "-I", "-S", "-B", "-c", _PROGRAM, source],
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, copy, new) for copy, (_, new) in zip(copies, wanted)
            ],
        )
    finally:
        for copy in copies:
            os.close(copy)
