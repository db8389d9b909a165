"""The process that pairs are forked from: the supervisor's modules are loaded once and their pages shared.

One runs beside each agent, from the same bundle, and ends when the agent's pipe does. What it forked is
detached by then and stays.
"""

import gc
import json
import os
import sys
from typing import Any, Dict, List, Mapping, NoReturn

from workers.machine import subreaper
from workers.protocol import WorkerSpec, decode, plain
from workers.supervisor.condition import fold
from workers.supervisor.desired import Desired
from workers.supervisor.exit_record import ExitRecord
from workers.supervisor.guardian import FAILED, guard
from workers.supervisor.holder import Holder
from workers.supervisor.pid_record import PidRecord
from workers.supervisor.sealed import seal, unseal

_ANSWER_LIMIT = 65_536


def main() -> NoReturn:
    """Reads requests, a JSON object a line, from 0 and answers each with one on 1. Never returns.

    ``{"environment": {…}}`` sets the login environment of what is started from then on, and is not
    answered; ``{"folder": …}`` starts a pair and is answered with ``{"outcome": …, "text": …}``.
    """
    os.umask(0o077)
    _close_on_exec()
    share()
    login: Dict[str, str] = dict(os.environ)
    try:
        for request in _requests():
            if "environment" in request:
                login = request["environment"]
            else:
                outcome, text = start_pair(request["folder"], login)
                _write_line(1, {"outcome": outcome, "text": text})
    finally:
        os._exit(0)


def share() -> None:
    """Loads and builds now what every pair would otherwise make for itself, in pages of its own."""
    subreaper.library()
    shapes = (WorkerSpec("", "", ()), Desired(), PidRecord(0, 0, 0), ExitRecord(0), Holder())
    for shape in shapes:
        decode(type(shape), unseal(seal(plain(shape))))
    fold(())
    gc.collect()
    gc.freeze()  # a collection in a pair would write to pages it shares


def pair() -> NoReturn:
    """Takes care of the run folder ``sys.argv[2]`` in this very process: the main process of a unit."""
    from workers.supervisor import unit

    _close_on_exec()
    unit.keep_source()
    login = unit.received_environment(sys.argv[2])
    share()
    guard(sys.argv[2], login, lambda outcome, text: None)


def start_pair(folder: str, login: Mapping[str, str]) -> List[str]:
    """Forks a detached pair; its outcome and text, once it holds the lock or was refused it."""
    answer_in, answer_out = os.pipe()
    try:
        child = os.fork()
    except OSError as error:
        os.close(answer_in)
        os.close(answer_out)
        return [FAILED, f"no process for the supervisor: {error.strerror}"]
    if child == 0:
        os.close(answer_in)
        _detach(folder, login, answer_out)
    os.close(answer_out)
    os.waitpid(child, 0)
    try:
        said = os.read(answer_in, _ANSWER_LIMIT)
    finally:
        os.close(answer_in)
    return json.loads(said) if said else [FAILED, "the supervisor died at its start"]


def _detach(folder: str, login: Mapping[str, str], answer: int) -> NoReturn:
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

        def tell(outcome: str, text: str) -> None:
            _write_line(answer, [outcome, text])
            os.close(answer)

        guard(folder, login, tell)
    finally:
        os._exit(70)


def _requests() -> Any:
    rest = b""
    while True:
        piece = os.read(0, 65_536)
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _write_line(descriptor: int, body: Any) -> None:
    os.write(descriptor, json.dumps(body).encode("ascii") + b"\n")


def _close_on_exec() -> None:
    """The bundle's descriptor came through an exec; no worker may inherit it, nor its lock."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.set_inheritable(int(name), False)
            except OSError:
                pass
