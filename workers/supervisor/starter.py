"""The process that pairs are forked from: the supervisor's modules are loaded once and their pages shared.

One runs beside each agent, from the same bundle, and ends when the agent's pipe does. What it forked is
detached by then and stays.
"""

import gc
import json
import os
import sys
from typing import Dict, Mapping, NoReturn

from workers.machine import boot, subreaper
from workers.protocol import WorkerSpec, decode, plain
from workers.supervisor.condition import fold
from workers.supervisor.desired import Desired
from workers.supervisor.exit_record import ExitRecord
from workers.supervisor.guardian import FAILED, guard
from workers.supervisor.healing import heal as _heal  # noqa: F401  (imported here, not in each pair)
from workers.supervisor.holder import Holder
from workers.supervisor.pid_record import PidRecord
from workers.supervisor.sealed import seal, unseal

_ANSWER_LIMIT = 65_536


def main() -> NoReturn:
    """Reads requests from 0, each with a zero byte behind it. Never returns.

    A JSON object is the login environment of what is started from then on, and is not answered. A path is
    a run folder: a pair is started, and ``{"outcome": …, "text": …}`` written to 1, a line.
    """
    os.umask(0o077)
    _close_on_exec()
    share()
    login: Dict[str, str] = dict(os.environ)
    rest = b""
    try:
        while True:
            piece = os.read(0, 65_536)
            if not piece:
                break
            *requests, rest = (rest + piece).split(b"\0")
            for request in requests:
                if request.startswith(b"{"):
                    login = json.loads(request)
                else:
                    os.write(1, start_pair(request, login))
    finally:
        os._exit(0)


def share() -> None:
    """Loads and builds now what every pair would otherwise make for itself, in pages of its own."""
    subreaper.library()
    shapes = (WorkerSpec("", "", ()), Desired(), PidRecord(0, 0, 0), ExitRecord(0), Holder())
    for shape in shapes:
        decode(type(shape), unseal(seal(plain(shape))))
    fold(())
    boot.boot_id()
    gc.collect()
    gc.freeze()  # a collection in a pair would write to pages it shares


def pair() -> NoReturn:
    """Takes care of the run folder ``sys.argv[2]`` in this very process: the main process of a unit."""
    from workers.supervisor import unit

    _close_on_exec()
    unit.keep_source()
    login = unit.received_environment(sys.argv[2])
    share()
    guard(sys.argv[2], login)


def start_pair(folder: bytes, login: Mapping[str, str]) -> bytes:
    """Forks a detached pair; the answer, once it holds the lock or was refused it.

    Next to nothing is done in this process: what it writes to between two forks becomes a page of the
    pair's own.
    """
    answer_in, answer_out = os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        os.close(answer_in)
        os.close(answer_out)
        return _answer(FAILED, f"no process for the supervisor: {error.strerror}")
    if child == 0:
        os.close(answer_in)
        _detach(folder, login, answer_out)
    os.close(answer_out)
    os.waitpid(child, 0)
    try:
        said = os.read(answer_in, _ANSWER_LIMIT)
    finally:
        os.close(answer_in)
    return said or _answer(FAILED, "the supervisor died at its start")


def _detach(folder: bytes, login: Mapping[str, str], answer: int) -> NoReturn:
    """Double fork: the pair is nobody's child, has no terminal, and holds nothing of the agent's."""
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.close(null)
        os.chdir("/")
        guard(os.fsdecode(folder), login, answer)
    finally:
        os._exit(70)


def _answer(outcome: str, text: str) -> bytes:
    return json.dumps({"outcome": outcome, "text": text}).encode("ascii") + b"\n"


def _close_on_exec() -> None:
    """The bundle's descriptor came through an exec; no worker may inherit it, nor its lock."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.set_inheritable(int(name), False)
            except OSError:
                pass
