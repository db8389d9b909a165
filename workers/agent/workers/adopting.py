"""Taking a process into a record: one of a run whose folder is gone, or one that nobody of us started.

The process itself is not touched; from then on a pair watches it by pidfd.
"""

import os
import re
import time
from typing import Any, Dict, List, Optional

from workers.agent.workers import holders, orphans
from workers.agent.workers.marked import Marked, argv_of, main_of, marked
from workers.agent.workers.reporting import record_now
from workers.machine import pidfd, process
from workers.machine.boot import boot_id, boottime, pid_namespace
from workers.protocol import AdoptProcess, Failure, WorkerReply, WorkerSpec
from workers.supervisor import events as kinds
from workers.supervisor import exit_record, pid_record, storage
from workers.supervisor.condition import RUNNING, STARTING
from workers.supervisor.pid_record import PidRecord
from workers.supervisor.run import Run
from workers.supervisor.runs import RunExists, Runs

LOCK_S = 30.0
_WATCHED_S = 5.0
_POLL_S = 0.02
_ATTEMPT = re.compile(r"attempt-([0-9]{1,6})")


def adopt(message: AdoptProcess, node: Any) -> Any:
    """``WorkerReply`` with the record (a run whose folder was gone keeps its id), or a Failure."""
    refusal = _refusal(message)
    if refusal is not None:
        return refusal
    runs = node.runs()
    there = runs.get(message.run_id)
    if there is not None:
        return WorkerReply(record_now(there))
    owner = _family(message.pid, runs)
    if owner is not None:
        if runs.get(owner[0].run_id) is not None:
            return Failure("exists", f"process {message.pid} belongs to the run {owner[0].run_id}")
        main = main_of(owner)
        run = recreate(main, runs, message.name, message.by)
    else:
        run = _record_foreign(message, node)
    if isinstance(run, Failure):
        return run
    notes = node.launch(run)
    node.started(run)
    _await_watch(run)
    return WorkerReply(record_now(run), notes)


def recreate(main: Marked, runs: Runs, name: str = "", by: str = "") -> Run:
    """The record of a run whose folder is gone, rebuilt from its main process. Raises OSError.

    How it was started is not known any more beyond what the process shows: it is never restarted.
    """
    spec = _spec_of(main.pid, main.run_id, name or main.name or main.run_id[:8], by)
    found = _ATTEMPT.fullmatch(os.path.basename(main.attempt_folder))
    attempt = int(found.group(1)) if found else 1
    os.makedirs(runs.node_folder, mode=0o700, exist_ok=True)
    lock = storage.wait_lock(runs.start_lock, LOCK_S)
    if lock is None:
        raise TimeoutError(f"{runs.start_lock} is held by another start")
    try:
        return _write(spec, attempt, main.pid, main.ticks, runs, "its folder was gone", marked=True)
    finally:
        os.close(lock)


def without_folder(runs: Runs) -> Dict[str, Marked]:
    """Main processes, by run id, of what lived in this very state directory and whose folder is gone."""
    scene = orphans.look(runs)
    mains = [main_of(family) for family in orphans.families_without_record(scene)]
    return {main.run_id: main for main in mains if os.path.dirname(main.run_folder) == runs.folder}


def _refusal(message: AdoptProcess) -> Optional[Failure]:
    if not message.run_id.isalnum() or len(message.run_id) > 64:
        return Failure("bad_request", f"{message.run_id[:64]!r} cannot name a run")
    if not message.name or "/" in message.name:
        return Failure("bad_request", f"{message.name!r} cannot name a worker")
    if message.pid <= 1 or message.pid == os.getpid():
        return Failure("refused", f"process {message.pid} is no worker")
    row = process.row(message.pid)
    if row is None or row.ticks != message.start_ticks or not row.alive:
        return Failure("gone", f"process {message.pid} is gone already")
    try:
        uid = os.stat(f"/proc/{message.pid}").st_uid
    except OSError:
        return Failure("gone", f"process {message.pid} is gone already")
    if uid != os.geteuid():
        return Failure("not_permitted", f"process {message.pid} belongs to another user")
    return None


def _family(pid: int, runs: Runs) -> Optional[List[Marked]]:
    """The processes that share the token of this one; None where it has none of this node."""
    for family in marked(os.path.basename(runs.node_folder)).values():
        if any(one.pid == pid for one in family):
            return family
    return None


def _record_foreign(message: AdoptProcess, node: Any) -> Any:
    spec = _spec_of(message.pid, message.run_id, message.name, message.by)
    runs = node.runs()
    os.makedirs(runs.node_folder, mode=0o700, exist_ok=True)
    lock = storage.wait_lock(runs.start_lock, LOCK_S)
    if lock is None:
        return Failure("failed", f"another start holds {runs.start_lock}")
    try:
        taken = holders.in_the_way(spec, runs, node.care) or _watched(message, runs)
        if taken:
            return Failure("exists", taken)
        return _write(spec, 1, message.pid, message.start_ticks, runs, "on request", marked=False)
    finally:
        os.close(lock)


def _watched(message: AdoptProcess, runs: Runs) -> str:
    for run in runs.all():
        now = run.condition()
        if now.live and (now.pid, now.ticks) == (message.pid, message.start_ticks):
            return f"process {message.pid} is the worker {run.spec().name} (run {run.run_id})"
    return ""


def _spec_of(pid: int, run_id: str, name: str, by: str) -> WorkerSpec:
    """What can be seen of a process."""
    try:
        directory = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        directory = ""
    return WorkerSpec(run_id=run_id, name=name, command=argv_of(pid), directory=directory, by=by)


def _write(
    spec: WorkerSpec, attempt: int, pid: int, ticks: int, runs: Runs, why: str, marked: bool
) -> Run:
    """The run directory, with the history of a process that is watched. The caller holds ``start.lock``."""
    try:
        run = runs.create(spec)
    except RunExists as same:
        run = same.run
        if run.condition().attempt:
            return run
    lock = run.take()
    if lock is None:
        return run
    try:
        paths = run.paths.attempt(attempt)
        storage.make_folder(paths.folder)
        exit_record.prepare(paths.exit_record)
        pid_record.write(paths.pid, _identity(run, attempt, pid, ticks, marked))
        run.append(kinds.WARNING, text=f"process {pid} was adopted: {why}")
        run.append(kinds.ADOPTED, attempt=attempt, pid=pid, ticks=ticks)
    finally:
        os.close(lock)
    return run


def _identity(run: Run, attempt: int, pid: int, ticks: int, marked: bool) -> PidRecord:
    inode = None
    try:
        held = pidfd.open_process(pid)
        if held is not None:
            inode = pidfd.inode(held) or None
            os.close(held)
    except OSError:
        pass
    token = run.paths.token if marked else ""
    return PidRecord(
        attempt=attempt,
        pid=pid,
        ticks=ticks,
        boot_id=boot_id(),
        namespace=pid_namespace(),
        token=token,
        pidfd_inode=inode,
        boottime=boottime(),
    )


def _await_watch(run: Run) -> None:
    until = time.monotonic() + _WATCHED_S
    while not run.is_held() and run.condition().state in (STARTING, RUNNING):
        if time.monotonic() >= until:
            return
        time.sleep(_POLL_S)
