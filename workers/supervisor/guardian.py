"""The pair: a guardian that only waits, and its child, the shim, that takes care of the run.

The worker is the shim's child. When the shim dies the kernel hands the worker to the guardian, alive or as
a zombie, and the guardian goes on with the very same loop. They share one lock, which both must die to lose.
"""

import json
import os
import signal
import time
import traceback
from typing import Mapping, NoReturn, Optional, Tuple

from workers.machine import pidfd
from workers.machine.subreaper import become_subreaper
from workers.supervisor import cgroup, holder, storage
from workers.supervisor import events as kinds
from workers.supervisor.holder import GUARDIAN, SHIM
from workers.supervisor.keeper import Keeper, Partner
from workers.supervisor.paths import LOCK, RunPaths
from workers.supervisor.run import Run

HELD, REFUSED, FAILED = "held", "refused", "failed"
NOBODY = -1  # wants no answer
EXIT_FAILED = 70
_PATIENCE_S = 0.5  # agents hold a free lock for an instant to see that it is free
_HEARD = frozenset({int(signal.SIGTERM), int(signal.SIGHUP), int(signal.SIGCHLD)})
_AGAIN_S = (1.0, 5.0, 30.0, 60.0)  # after a defect of ours, before the run is looked at anew


def guard(folder: str, login: Mapping[str, str], answer: int = NOBODY) -> NoReturn:
    """Takes care of the run in this process and one more, until it is finished. Never returns.

    The answer is written to that descriptor once: ``held``, ``refused`` where another pair holds the lock,
    or ``failed``; it is closed then.
    """
    os.umask(0o077)
    signal.pthread_sigmask(
        signal.SIG_BLOCK, _HEARD
    )  # whoever hears them lets them in when it is ready
    code = EXIT_FAILED
    try:
        become_subreaper()
        cgroup.leave_attempt()
        code = _divide(folder, login, answer)
    except FileNotFoundError:
        tell(answer, FAILED, f"{folder}: there is no such run")
    except OSError as error:
        tell(answer, FAILED, f"{error.filename or folder}: {error.strerror or error}")
    finally:
        os._exit(code)


def tell(answer: int, outcome: str, text: str = "") -> None:
    """Answers whoever asked for the pair."""
    if answer == NOBODY:
        return
    line = json.dumps({"outcome": outcome, "text": text}).encode("ascii") + b"\n"
    try:
        os.write(answer, line)
        os.close(answer)
    except OSError:
        pass  # it was given already, or nobody waits any more


def _divide(folder: str, login: Mapping[str, str], answer: int) -> int:
    """Forks at once and then waits: each page that the guardian writes to is memory of its own."""
    path = f"{folder}/{LOCK}"
    lock, last_seen = _open_lock(path)
    above = os.getpid()
    try:
        shim = os.fork()
    except OSError:  # no room for two: one is better than none
        return _alone(folder, lock, login, last_seen, answer)
    if shim == 0:
        _be_shim(folder, lock, login, last_seen, answer, above)
    if answer != NOBODY:
        os.close(answer)
    if _wait_for(shim) == 0:
        return 0
    lock = _lock_again(path, lock)
    run = Run(RunPaths(folder))
    me = holder.process_of(GUARDIAN, above)
    _try_append(run, kinds.SHIM_LOST, pid=shim)
    holder.sign(lock, (me,))
    return _keep(run, lock, me, None, login, last_seen, True)


def _open_lock(path: str) -> Tuple[int, Optional[float]]:
    """The lock file, not yet locked, and when a holder last showed itself. Raises OSError."""
    try:
        lock = os.open(path, storage.LOCK & ~os.O_CREAT)
    except FileNotFoundError:
        return os.open(path, storage.LOCK, 0o600), None
    return lock, os.fstat(lock).st_mtime


def _be_shim(
    folder: str,
    lock: int,
    login: Mapping[str, str],
    last_seen: Optional[float],
    answer: int,
    above: int,
) -> NoReturn:
    code = EXIT_FAILED
    try:
        if not _take(folder, lock, answer):
            os._exit(0)
        become_subreaper()
        guardian = holder.process_of(GUARDIAN, above)
        me = holder.process_of(SHIM, os.getpid())
        holder.sign(lock, (guardian, me))
        tell(answer, HELD)
        partner = Partner(guardian, _held(above))
        code = _keep(Run(RunPaths(folder)), lock, me, partner, login, last_seen, False)
    finally:
        os._exit(code)


def _take(folder: str, lock: int, answer: int) -> bool:
    """Whether the run is ours now. Locked by one, it is held by both: they share one open file."""
    try:
        if storage.lock_opened(RunPaths(folder).lock, lock, _PATIENCE_S):
            return True
        tell(answer, REFUSED)
    except OSError as error:
        tell(answer, FAILED, f"{error.filename or folder}: {error.strerror or error}")
    return False


def _alone(
    folder: str, lock: int, login: Mapping[str, str], last_seen: Optional[float], answer: int
) -> int:
    if not _take(folder, lock, answer):
        return 0
    run, me = Run(RunPaths(folder)), holder.process_of(GUARDIAN, os.getpid())
    holder.sign(lock, (me,))
    tell(answer, HELD)
    _try_append(run, kinds.WARNING, text="no room for a second process of the supervisor")
    _try_append(run, kinds.SHIM_LOST, pid=0)
    return _keep(run, lock, me, None, login, last_seen, False)


def _keep(
    run: Run,
    lock: int,
    me: holder.Keeper,
    partner: Optional[Partner],
    login: Mapping[str, str],
    last_seen: Optional[float],
    inherited: bool,
) -> int:
    """The loop; after a defect of ours again from what the directory says, for the worker needs a parent."""
    failures = 0
    while True:
        try:
            Keeper(run, lock, me, partner, login).run(last_seen, inherited)
            return 0
        except Exception:
            where = traceback.format_exc().strip().splitlines()
            text = f"the supervisor failed and goes on: {where[-1]} ({where[-3:-1]})"
            _try_append(run, kinds.WARNING, text=text[:2000])
            time.sleep(_AGAIN_S[min(failures, len(_AGAIN_S) - 1)])
            failures, inherited = failures + 1, True


def _lock_again(path: str, lock: int) -> int:
    """The lock of the directory as it is now: the shim may have made it anew, or died before it had it."""
    try:
        if storage.lock_opened(path, lock, 0.0):
            return lock
        fresh = storage.wait_lock(path, 2.0)
    except OSError:
        return lock
    if fresh is None:
        _only_reap()  # another pair was faster: it watches by pidfd what is our child
    return lock if fresh is None else fresh


def _only_reap() -> NoReturn:
    try:
        while True:
            os.wait()
    except ChildProcessError:
        os._exit(0)


def _wait_for(shim: int) -> int:
    """Its wait status. Until then a request to end is passed on to it; a poke it has got itself."""
    while True:
        number = signal.sigwaitinfo(_HEARD).si_signo
        if number == signal.SIGTERM:
            os.kill(shim, number)  # not reaped yet: the number is still its own
        ended, status = os.waitpid(shim, os.WNOHANG)
        if ended:
            return status


def _try_append(run: Run, kind: str, **fields: object) -> None:
    try:
        run.append(kind, **fields)
    except OSError:
        pass


def _held(pid: int) -> Optional[int]:
    try:
        return pidfd.open_process(pid)
    except OSError:
        return None
