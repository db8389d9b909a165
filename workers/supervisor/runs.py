"""All runs of one node: made, found, counted, forgotten."""

import errno
import os
import stat
from typing import Dict, List, Optional, Tuple

from workers import contract
from workers.machine import process, tokens
from workers.protocol import WorkerSpec, plain
from workers.supervisor import desired as wishes
from workers.supervisor import events as kinds
from workers.supervisor import removal, reserve, retention, storage
from workers.supervisor.paths import KEPT, RUNS, START_LOCK, RunPaths
from workers.supervisor.run import Run

_NEW, _GONE = ".new-", ".gone-"


class RunExists(Exception):
    """A run with that id is there already: the same start, asked twice. ``run`` is it."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"the run {run.run_id} exists")
        self.run = run


class RunLives(Exception):
    """Refused, because something of the run lives. Says what."""


class Runs:
    """The run directories below ``nodes/<node-key>/``. Keeps what was read, so that a look is a few stats."""

    def __init__(self, node_folder: str) -> None:
        self.node_folder = node_folder
        self.folder = os.path.join(node_folder, RUNS)
        self.start_lock = os.path.join(node_folder, START_LOCK)
        self._known: Dict[str, Run] = {}
        self._listed: Tuple[int, int] = (0, 0)
        self._log_bytes: Dict[str, int] = {}  # of finished runs
        self._made = False  # the folder is there, durably

    # ---------------------------------------------------------------- finding

    def all(self) -> List[Run]:
        """Every run, the newest first. Raises OSError where the folder is there and cannot be read."""
        try:
            found = os.stat(self.folder)
        except FileNotFoundError:
            self._known = {}
            return []
        listed = (found.st_ino, found.st_mtime_ns)
        if listed != self._listed:
            names = [name for name in os.listdir(self.folder) if not name.startswith(".")]
            known = self._known
            self._known = {n: self._open(n) for n in names if n in known or self._is_run(n)}
            self._listed = listed if storage.is_settled(found) else (0, 0)
        return sorted(self._known.values(), key=serial, reverse=True)

    def get(self, run_id: str) -> Optional[Run]:
        """The run with that id; None where there is none."""
        return self._open(run_id) if run_id.isalnum() and self._is_run(run_id) else None

    def live_named(self, name: str) -> Optional[Run]:
        """The newest run of that name that lives, or that somebody still takes care of."""
        for run in self.all():
            if run.spec().name == name and (run.condition().live or run.is_held()):
                return run
        return None

    def newest_named(self, name: str) -> Optional[Run]:
        """The newest run of that name."""
        return next((run for run in self.all() if run.spec().name == name), None)

    # ---------------------------------------------------------------- making

    def create(self, spec: WorkerSpec, by: str = "") -> Run:
        """A fresh run directory, durable before it has its name. The caller holds ``start.lock``.

        Raises RunExists, OSError, ValueError for an id that is no plain file name.
        """
        if not (spec.run_id.isascii() and spec.run_id.isalnum()):
            raise ValueError(f"{spec.run_id!r} cannot name a run")
        there = self.get(spec.run_id)
        if there is not None:
            raise RunExists(there)
        self._make_folders()
        self._sweep(_NEW)  # of starts that died: the lock says that none is under way
        building = os.path.join(self.folder, _NEW + spec.run_id)
        try:
            self._build(RunPaths(building), spec, by or spec.by)
            os.rename(building, os.path.join(self.folder, spec.run_id))
        except OSError:
            removal.remove_run(building)
            raise
        storage.sync_folder(self.folder)
        self._listed = (0, 0)
        return self._open(spec.run_id)

    def _build(self, paths: RunPaths, spec: WorkerSpec, by: str) -> None:
        number = 1 + max((serial(run) for run in self.all()), default=0)
        os.mkdir(paths.folder)
        os.chmod(paths.folder, 0o700)
        if not reserve.stock(paths.reserve):
            raise OSError(errno.ENOSPC, "no room to keep the end of a run in", self.folder)
        for lock in (paths.lock, paths.desired_lock):  # they must not need room later
            os.close(storage.create(lock))
        storage.write_fresh(paths.spec, plain(spec))
        storage.write_fresh(paths.desired, plain(wishes.first(by)))
        # The history holds the specification too: either file can be rebuilt from the other.
        Run(paths).append(kinds.CREATED, by=by, serial=number, spec=plain(spec))
        storage.sync_folder(paths.folder)

    def _make_folders(self) -> None:
        if self._made and os.path.isdir(self.folder):
            return
        nodes = os.path.dirname(self.node_folder)
        os.makedirs(nodes, mode=0o700, exist_ok=True)  # the state directory may have been deleted
        storage.make_folder(nodes)
        storage.make_folder(self.node_folder)
        storage.make_folder(self.folder)
        self._made = True

    # ---------------------------------------------------------------- removing

    def forget(self, run: Run) -> Tuple[str, ...]:
        """Removes a run that is over. What a worker put there itself is moved aside: those paths.

        Raises RunLives, OSError.
        """
        lock = run.take()
        if lock is None:
            raise RunLives(f"{run.run_id}: its supervisor is at work")
        try:
            _refuse_living(run)
            gone = os.path.join(self.folder, _GONE + run.run_id)
            os.rename(run.paths.folder, gone)
            storage.sync_folder(self.folder)
            self._known.pop(run.run_id, None)
            return self._remove(gone)
        finally:
            os.close(lock)

    def prune(
        self,
        per_name: int = retention.RUNS_PER_NAME,
        log_bytes: int = retention.LOG_BYTES,
    ) -> Tuple[str, ...]:
        """Forgets the finished runs that retention does not keep; their ids. Raises OSError."""
        self._sweep(_GONE)
        gone = []
        runs = {run.run_id: run for run in self.all()}
        for run_id in retention.surplus(
            [self._kept(run) for run in runs.values()], per_name, log_bytes
        ):
            try:
                self.forget(runs[run_id])
            except RunLives:
                continue
            gone.append(run_id)
        return tuple(gone)

    def _kept(self, run: Run) -> retention.Kept:
        now = run.condition()
        wished = run.desired().sequence > max(1, now.sequence)  # and nobody has acted on it yet
        finished = now.finished and not now.live and not wished
        size = self._log_bytes.get(run.run_id) if finished else None
        if size is None:
            size = retention.log_bytes_of(run.paths)
        if finished:
            self._log_bytes[run.run_id] = size
        name, ended = run.spec().name, now.ended_wall or 0.0
        return retention.Kept(run.run_id, name, finished, ended, serial(run), size)

    def _sweep(self, prefix: str) -> None:
        """Finishes what a process that died had begun."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return
        for name in names:
            if name.startswith(prefix):
                self._remove(os.path.join(self.folder, name))

    def _remove(self, folder: str) -> Tuple[str, ...]:
        run_id = os.path.basename(folder).partition("-")[2]
        self._log_bytes.pop(run_id, None)
        return removal.remove_run(folder, os.path.join(self.node_folder, KEPT, run_id))

    # ---------------------------------------------------------------- one run

    def _open(self, run_id: str) -> Run:
        if run_id not in self._known:
            self._known[run_id] = Run(RunPaths(os.path.join(self.folder, run_id)))
        return self._known[run_id]

    def _is_run(self, name: str) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(os.path.join(self.folder, name)).st_mode)
        except OSError:
            return False


def serial(run: Run) -> int:
    """Its place in the order in which the node's runs were made; 0 where that is lost."""
    found = run.created.get("serial", 0)
    return found if type(found) is int else 0


def _refuse_living(run: Run) -> None:
    """Raises RunLives where a process of the run lives, its main one or any that carries its token."""
    now = run.condition()
    alive = [
        pid for pid, token in tokens.carriers(contract.TOKEN).items() if token == run.paths.token
    ]
    if now.pid is not None and process.start_ticks(now.pid) == now.ticks:
        alive.append(now.pid)
    if alive:
        words = ", ".join(str(pid) for pid in sorted(set(alive))[:5])
        raise RunLives(f"{run.run_id}: of it lives process {words}")
