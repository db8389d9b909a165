"""Starting pairs from an agent: through one starter, a fresh process that has no threads and little memory."""

import json
import os
import re
import select
import sys
import threading
import time
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from workers import contract

_FD_PATH = re.compile(r"/proc/(?:self|[0-9]+)/fd/([0-9]+)")
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from workers.supervisor.starter import {0}; {0}()"
)
NAME = "quarterdeck-supervisor"  # the last word of its command line, for people
ANSWER_S = 20.0


class Launched(NamedTuple):
    """``held``: a new pair takes care of the run. ``refused``: another one does already."""

    outcome: str
    text: str = ""


class Launcher:
    """Safe to use from several threads. The starter is made with the first launch.

    ``environment`` is the node's login environment, for the workers. ``source`` is where this code is
    loaded from: the entry of ``sys.path``, which may name a descriptor of this process. ``in_units``:
    each pair becomes a unit of the user's systemd, where the bundle is stored; else it is forked.
    """

    def __init__(self, environment: Mapping[str, str], source: str, in_units: bool = False) -> None:
        self._environment = dict(environment)
        self._source = source
        self._in_units = in_units
        self._turn = threading.Lock()
        self._process: Any = None

    def launch(self, run_folder: str) -> Launched:
        """Has a pair take care of the run; returns when it holds the run's lock or was refused it.

        Raises OSError where no pair could be started; says why.
        """
        if self._in_units:
            launched = self._launch_unit(run_folder)
            if launched is not None:
                return launched
        with self._turn:
            try:
                answer = self._ask(run_folder)
            except (BrokenPipeError, EOFError):
                self._end()  # the starter was killed: a fresh one
                answer = self._ask_again(run_folder)
        if answer.outcome == "failed":
            raise OSError(0, answer.text)
        return answer

    def close(self) -> None:
        """Ends the starter. Pairs go on."""
        with self._turn:
            self._end()

    def _launch_unit(self, run_folder: str) -> Optional[Launched]:
        from workers.supervisor import unit

        source = unit.stored_source(self._source)
        if not source:
            return None  # only in memory: a unit would not find it
        return Launched(unit.launch(run_folder, pair_argv(source, run_folder), self._environment))

    def _ask(self, run_folder: str) -> Launched:
        if self._process is None:
            self._begin()
        self._write(os.fsencode(run_folder))
        body = json.loads(self._read_line())
        return Launched(str(body["outcome"]), str(body["text"]))

    def _ask_again(self, run_folder: str) -> Launched:
        try:
            return self._ask(run_folder)
        except (BrokenPipeError, EOFError):
            self._end()
            raise OSError(0, "the supervisor was killed at its start, twice") from None

    def _begin(self) -> None:
        import subprocess

        argv, passed = starter_argv(self._source)
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=passed,
            cwd="/",
            start_new_session=True,
            bufsize=0,
            # Where the console is a job itself: what it starts is not of its run.
            env={k: v for k, v in os.environ.items() if k not in contract.NAMES},
        )
        self._write(json.dumps(self._environment).encode("ascii"))

    def _write(self, request: bytes) -> None:
        data = memoryview(request + b"\0")
        while data:
            data = data[os.write(self._process.stdin.fileno(), data) :]

    def _read_line(self) -> bytes:
        line, answers = b"", self._process.stdout.fileno()
        deadline = time.monotonic() + ANSWER_S
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([answers], [], [], left)[0]:
                self._end()
                raise OSError(0, f"the supervisor did not answer within {ANSWER_S:.0f} s")
            piece = os.read(answers, 65_536)
            if not piece:
                raise EOFError
            line += piece
        return line

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            try:
                pipe.close()
            except OSError:
                pass
        try:
            process.wait(2)
        except Exception:  # it hangs in a fork or a dead mount
            process.kill()
            process.wait()


def starter_argv(source: str) -> Tuple[List[str], Tuple[int, ...]]:
    """The starter's command line, and the descriptors it needs."""
    return _argv(source, "main")


def pair_argv(source: str, run_folder: str) -> List[str]:
    """A command line that takes care of a run in its own process, for a unit: ``source`` is a real path."""
    argv, _ = _argv(source, "pair")
    return [*argv[:-1], run_folder, argv[-1]]


def _argv(source: str, entry: str) -> Tuple[List[str], Tuple[int, ...]]:
    found = _FD_PATH.fullmatch(source)
    passed: Sequence[int] = ()
    if found:
        passed = (int(found[1]),)
        source = f"/proc/self/fd/{found[1]}"
    python = sys.executable or "/proc/self/exe"
    flags = ("-I", "-S", "-B", "-X", "utf8")
    return [python, *flags, "-c", _START.format(entry), source, NAME], tuple(passed)
