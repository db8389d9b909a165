"""A pair as a unit of the user's own systemd, where a logout would end whatever hangs in the session.

The unit execs the pair from the stored bundle. The login environment, which may hold secrets, travels
through a pipe with a name that only this user can open: never on a command line, never on the disk.
"""

import errno
import json
import os
import select
import sys
import time
from typing import Dict, List, Mapping

from workers.supervisor.paths import RunPaths
from workers.supervisor.run import Run

PROGRAM = "systemd-run"
ANSWER_S = 20.0
_MARGIN_S = 10.0  # over the worker's grace, before systemd kills by itself
_POLL_S = 0.02


def launch(run_folder: str, pair: List[str], environment: Mapping[str, str]) -> str:
    """Starts a unit that runs ``pair`` (a command line); ``held``, or ``refused`` where another pair holds the run.

    Raises OSError that says why there is none.
    """
    run = Run(RunPaths(run_folder))
    if run.is_held():
        return "refused"
    pipe = os.path.join(run_folder, "environment")
    try:
        os.unlink(pipe)  # of a launch that died here
    except FileNotFoundError:
        pass
    os.mkfifo(pipe, 0o600)
    try:
        _systemd_run(run, pair)
        _hand_over(pipe, environment)
        _await_lock(run)
    finally:
        try:
            os.unlink(pipe)
        except FileNotFoundError:
            pass
    return "held"


def received_environment(run_folder: str) -> Dict[str, str]:
    """The login environment, in the unit's process. Raises OSError, ValueError."""
    file = os.open(
        os.path.join(run_folder, "environment"), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    )
    try:
        parts = []
        while True:
            piece = os.read(file, 65_536)
            if not piece:
                break
            parts.append(piece)
    finally:
        os.close(file)
    found: Dict[str, str] = json.loads(b"".join(parts))
    return found


def properties(grace_s: float) -> List[str]:
    """Of the unit. The main process is the guardian, which passes a stop on to the worker's own ladder.

    ``KillMode=process``: with any other mode systemd would end the worker when the guardian dies.
    """
    return [
        "KillMode=process",
        "Delegate=yes",
        "OOMPolicy=continue",
        "Restart=no",
        f"TimeoutStopSec={grace_s + _MARGIN_S:.0f}",
    ]


def _systemd_run(run: Run, pair: List[str]) -> None:
    import subprocess

    spec = run.spec()
    argv = [PROGRAM, "--user", "--quiet", "--collect", f"--description=quarterdeck {spec.name}"]
    argv.append(f"--unit=quarterdeck-{run.run_id[:16]}-{os.urandom(4).hex()}")
    argv += [f"--property={name}" for name in properties(spec.grace_s)]
    runtime = f"/run/user/{os.geteuid()}"
    environment = {"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": runtime, "LANG": "C.UTF-8"}
    try:
        done = subprocess.run(
            [*argv, "--", *pair],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=ANSWER_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise OSError(errno.ETIMEDOUT, "systemd-run --user does not answer") from None
    if done.returncode != 0:
        words = done.stderr.decode("utf-8", "replace").strip()
        raise OSError(0, f"systemd-run --user refused ({words or done.returncode})")


def _hand_over(pipe: str, environment: Mapping[str, str]) -> None:
    data = memoryview(json.dumps(dict(environment)).encode("ascii"))
    deadline = time.monotonic() + ANSWER_S
    file = _open_for_reader(pipe, deadline)
    try:
        while data:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [file], [], left)[1]:
                raise OSError(errno.ETIMEDOUT, "the unit does not read its environment")
            data = data[os.write(file, data) :]
    finally:
        os.close(file)


def _open_for_reader(pipe: str, deadline: float) -> int:
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        if time.monotonic() >= deadline:
            raise OSError(errno.ETIMEDOUT, "the unit does not begin")
        time.sleep(_POLL_S)


def _await_lock(run: Run) -> None:
    """Until a pair holds the run, or has finished it already."""
    deadline = time.monotonic() + ANSWER_S
    while not run.is_held() and not run.condition().finished:
        if time.monotonic() >= deadline:
            raise OSError(errno.ETIMEDOUT, "the unit began, but its pair does not hold the run")
        time.sleep(_POLL_S)


def stored_source(source: str) -> str:
    """The bundle as a path that a later process can open; "" where it has none."""
    found = os.path.realpath(source)
    return found if os.path.exists(found) and not found.startswith("/proc/") else ""


def keep_source() -> int:
    """Holds the bundle this process runs from, so that it is not pruned: modules may still be loaded."""
    import fcntl

    file = os.open(sys.argv[1], os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(file, fcntl.LOCK_SH)
    return file
