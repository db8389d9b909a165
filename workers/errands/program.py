"""The program itself: one request after the other, until its input ends or nobody was heard for a while.

Nothing of it stays on the machine: locks, snapshots and the code in memory go with the process.
"""

import hashlib
import json
import os
import select
import signal
import sys
import time
from typing import Any, Callable, Dict, NoReturn, Optional

from workers.errands.requests import Requests
from workers.errands.translate import of_os
from workers.errands.work import JobGone, Voice, Work

SILENCE_S = 120.0  # the job says every 20 s that it is there
LONGEST_LINE_BYTES = 16 * 1024 * 1024
EXIT_FAILED = 70


def main(nonce: str, folder: str = "") -> NoReturn:
    """Serves one job over standard input and output, then removes ``folder``. Never returns."""
    os.umask(0o077)
    if hasattr(signal, "SIGIO"):
        signal.signal(signal.SIGIO, signal.SIG_IGN)  # somebody waits for our lease: it ends soon
    signal.signal(signal.SIGTERM, _leave)
    channel_in, channel_out = _private_channel()
    requests = Requests()
    code = 0
    try:
        marker = (
            b"qd-errand:" + hashlib.sha256(nonce.encode("ascii")).hexdigest()[:40].encode() + b":"
        )
        os.write(channel_out, marker)
        voice = Voice(channel_out)
        voice.say(_hello())
        _serve(_Lines(channel_in), voice, requests)
    except (JobGone, SystemExit):
        pass
    except BaseException as error:
        code = EXIT_FAILED
        os.write(2, f"the errand failed: {type(error).__name__}: {error}\n".encode()[:2000])
    try:
        requests.close()
        if folder:
            import shutil

            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os._exit(code)


def _serve(lines: "_Lines", voice: Voice, requests: Requests) -> None:
    while True:
        line = lines.next()
        if line is None:
            return
        asked = json.loads(line)
        if asked.get("do") == "ping":
            continue
        work = Work(voice, asked["id"])
        try:
            said = _answer(requests.handler(asked["do"]), asked, work)
        finally:
            work.end()
        voice.say({"id": asked["id"], **said})


def _answer(
    handler: Callable[[Dict[str, Any], Work], Any], asked: Dict[str, Any], work: Work
) -> Dict[str, Any]:
    try:
        result = handler(asked, work)
        work.flush()
        return {"result": result}
    except OSError as error:
        fault = of_os(error, str(error.filename or asked["do"]))
    except Exception as error:
        fault = of_os(error, asked["do"])
    return {"failed": [fault.code, fault.text]}


def _leave(*_: Any) -> None:
    """At once where it waits, at the next step where it works."""
    if not Work.at_work:
        raise SystemExit
    Work.leaving = True


def _hello() -> Dict[str, Any]:
    from workers.agent.identity import node_key

    hostname = os.uname().nodename
    return {
        "node_key": node_key(hostname),
        "hostname": hostname,
        "home": os.path.expanduser("~"),
        "python": ".".join(map(str, sys.version_info[:3])),
        "pid": os.getpid(),
        "clock": time.time(),
    }


def _private_channel() -> "tuple[int, int]":
    """Away from 0 and 1, so that no library can print into it."""
    channel = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return channel


class _Lines:
    """Lines of the input, each within the time in which a living job says something."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._poll = select.poll()
        self._poll.register(file, select.POLLIN)
        self._buffer = b""

    def next(self) -> Optional[bytes]:
        """None: the job is gone."""
        while b"\n" not in self._buffer:
            if not self._poll.poll(int(SILENCE_S * 1000)):
                return None
            data = os.read(self._file, 1 << 20)
            if not data:
                return None
            self._buffer += data
            if len(self._buffer) > LONGEST_LINE_BYTES:
                raise ValueError(f"a request of more than {LONGEST_LINE_BYTES} bytes")
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line
