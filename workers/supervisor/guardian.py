"""The pair: a guardian that only waits, and its child, the shim, that takes care of the run.

The worker is the shim's child. When the shim dies the kernel hands the worker to the guardian, alive or as
a zombie, and the guardian goes on with the very same loop. They share one lock, which both must die to lose.
"""

import os
import signal
import time
import traceback
from typing import Callable, Mapping, NoReturn, Optional

from workers.machine import pidfd
from workers.machine.subreaper import become_subreaper
from workers.supervisor import events as kinds
from workers.supervisor import holder, storage
from workers.supervisor.holder import GUARDIAN, SHIM
from workers.supervisor.keeper import Keeper, Partner
from workers.supervisor.paths import RunPaths
from workers.supervisor.run import Run

HELD, REFUSED, FAILED = "held", "refused", "failed"
EXIT_FAILED = 70
_SIGNALS_READY = (signal.SIGTERM, signal.SIGHUP)
_AGAIN_S = (1.0, 5.0, 30.0, 60.0)  # after a defect of ours, before the run is looked at anew

Tell = Callable[[str, str], None]


def guard(folder: str, login: Mapping[str, str], tell: Tell) -> NoReturn:
    """Takes care of the run in this process and one more, until it is finished. Never returns.

    ``tell`` (outcome, text) is called once: ``held``, ``refused`` where another pair holds the lock, or
    ``failed``.
    """
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS_READY)
    code = EXIT_FAILED
    try:
        if not os.path.isdir(folder):
            tell(FAILED, f"{folder}: there is no such run")
            os._exit(0)
        run = Run(RunPaths(folder))
        last_seen = holder.last_seen(run.paths.lock)
        lock = run.take()
        if lock is None:
            tell(REFUSED, "")
            os._exit(0)
        become_subreaper()
        tell(HELD, "")
        code = _divide(run, lock, login, last_seen)
    except OSError as error:
        tell(FAILED, f"{error.filename or folder}: {error.strerror or error}")
    finally:
        os._exit(code)


def _divide(run: Run, lock: int, login: Mapping[str, str], last_seen: Optional[float]) -> int:
    me = holder.this_process(GUARDIAN)
    shim = _fork_shim(run, lock, login, me, last_seen)
    if shim is None:  # no room for two: one is better than none
        _try_append(run, kinds.WARNING, text="no room for a second process of the supervisor")
        _try_append(run, kinds.SHIM_LOST, pid=0)
        return _keep(run, lock, me, None, login, last_seen, False)
    signal.signal(signal.SIGHUP, _ignore)
    signal.signal(signal.SIGTERM, lambda number, frame: _pass_on(shim, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS_READY)
    if _wait_for(shim) == 0:
        return 0
    lock = _lock_again(run, lock)
    _try_append(run, kinds.SHIM_LOST, pid=shim)
    holder.sign(lock, (me,))
    return _keep(run, lock, me, None, login, last_seen, True)


def _fork_shim(
    run: Run,
    lock: int,
    login: Mapping[str, str],
    guardian: holder.Keeper,
    last_seen: Optional[float],
) -> Optional[int]:
    try:
        pid = os.fork()
    except OSError:
        return None
    if pid:
        return pid
    code = EXIT_FAILED
    try:
        become_subreaper()
        me = holder.this_process(SHIM)
        holder.sign(lock, (guardian, me))
        partner = Partner(guardian, _held(guardian.pid))
        code = _keep(run, lock, me, partner, login, last_seen, False)
    finally:
        os._exit(code)


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


def _lock_again(run: Run, lock: int) -> int:
    """The lock of the directory as it is now: the shim may have made it anew."""
    try:
        there, ours = os.stat(run.paths.lock), os.fstat(lock)
        if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
            return lock
        fresh = storage.wait_lock(run.paths.lock, 2.0)
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


def _wait_for(pid: int) -> int:
    return os.waitpid(pid, 0)[1]


def _pass_on(shim: int, number: int) -> None:
    try:
        os.kill(shim, number)
    except ProcessLookupError:
        pass


def _ignore(number: int, frame: object) -> None:
    """The shim is told too; a signal that is ignored by disposition would stay so for the keeper's pipe."""


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
