"""The worker's side of its start: from the fork to its own first instruction.

Runs in the forked child. It must not return, must not touch the run's files but the gate, and says what
went wrong through a pipe that an exec closes.
"""

import json
import os
import signal
from typing import Any, List, Mapping, NamedTuple, NoReturn, Tuple

EXIT_NO_GATE = 125  # the parent died before it let us begin: nothing was executed
EXIT_NO_EXEC = 127
_UMASK = (
    0o022  # the one a login gives; the agent's own 077 would lock others out of what workers make
)


class Orders(NamedTuple):
    """All that the child needs, made before the fork."""

    argv: Tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    gate_file: str
    nice: int = 0
    affinity: Tuple[int, ...] = ()


class Descriptors(NamedTuple):
    """Open files of the parent that the child takes over."""

    null: int
    out: int
    err: int
    gate: int  # read end: a byte lets us begin, the end sends us away
    report: int  # write end


def become(orders: Orders, files: Descriptors) -> NoReturn:
    """Waits for the gate, then executes the command. Every failure ends in an exit code."""
    code = EXIT_NO_EXEC
    try:
        os.setsid()
        _reset_signals()
        os.umask(_UMASK)
        gate, report = _take_descriptors(files)
        if not os.read(gate, 1):
            code = EXIT_NO_GATE
        else:
            _execute(orders, report)
    except BaseException as error:
        _say(2, "start", error, "")
    finally:
        os._exit(code)


def _take_descriptors(files: Descriptors) -> Tuple[int, int]:
    """0, 1 and 2 are the worker's; nothing else of the parent's is open but the two pipes."""
    gate, report = (_above(descriptor) for descriptor in (files.gate, files.report))
    for source, target in ((files.null, 0), (files.out, 1), (files.err, 2)):
        os.dup2(source, target)
    for descriptor in _open_descriptors():
        if descriptor > 2 and descriptor not in (gate, report):
            try:
                os.close(descriptor)
            except OSError:
                pass
    return gate, report


def _above(descriptor: int) -> int:
    """A copy that is closed by an exec and is none of 0, 1, 2."""
    import fcntl

    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)


def _open_descriptors() -> List[int]:
    try:
        return [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        return list(range(3, 1024))


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in range(1, signal.NSIG):
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            pass  # KILL, STOP and those of the C library
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _execute(orders: Orders, report: int) -> None:
    stage, path = "gate", orders.gate_file
    try:
        os.unlink(orders.gate_file)  # from here on nobody may say that nothing was executed
        _settle(orders, report)
        stage, path = "directory", orders.directory
        os.chdir(orders.directory)
        stage, path = "command", orders.argv[0] if orders.argv else ""
        _exec(orders.argv, dict(orders.environment))
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and "/" in str(error.filename or ""):
            error.filename = os.path.abspath(error.filename)
        _say(report, stage, error, path)


def _settle(orders: Orders, report: int) -> None:
    """Niceness and CPUs: a wish that is refused is told and nothing more."""
    try:
        if orders.nice:
            os.nice(orders.nice)
    except OSError as error:
        _say(report, "nice", error, str(orders.nice))
    try:
        if orders.affinity:
            os.sched_setaffinity(0, orders.affinity)
    except (OSError, AttributeError) as error:
        _say(report, "affinity", error, ",".join(map(str, orders.affinity)))


def _exec(argv: Tuple[str, ...], environment: Mapping[str, str]) -> NoReturn:
    """As execvpe, with the worker's own PATH, and with the first refusal told rather than the last."""
    program = argv[0]
    if "/" in program:
        os.execve(program, argv, environment)  # noqa: S606  (an argv list, never a shell)
    refused: OSError = FileNotFoundError(2, "not found on the PATH", program)
    for folder in environment.get("PATH", os.defpath).split(":"):
        found = os.path.join(folder or ".", program)
        try:
            os.execve(found, argv, environment)  # noqa: S606
        except (FileNotFoundError, NotADirectoryError):
            if os.path.isfile(found):  # it is there: its interpreter is not
                raise
        except OSError as error:
            refused = error if isinstance(refused, FileNotFoundError) else refused
    raise refused


def _say(report: int, stage: str, error: BaseException, path: str) -> None:
    body: Any = {
        "stage": stage,
        "errno": getattr(error, "errno", None) or 0,
        "path": getattr(error, "filename", None) or path,
        "text": getattr(error, "strerror", None) or str(error),
    }
    line = json.dumps(body).encode("ascii", "replace") + b"\n"
    try:
        os.write(report, line)
    except OSError:  # nobody listens any more: the worker's own log is left
        os.write(2, line)
