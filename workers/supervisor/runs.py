"""All runs of one node: made, found, counted, forgotten."""

import os
from typing import Dict, List, Optional, Tuple

from workers.machine import process
from workers.protocol import WorkerSpec, plain
from workers.supervisor import desired as wishes
from workers.supervisor import events as kinds
from workers.supervisor import removal, reserve, storage
from workers.supervisor.paths import RUNS, RunPaths
from workers.supervisor.run import Run, write_spec

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
        self.start_lock = os.path.join(node_folder, "start.lock")
        self._known: Dict[str, Run] = {}
        self._listed: Tuple[int, int] = (0, 0)

    def create(self, spec: WorkerSpec, by: str = "") -> Run:
        """A fresh run directory, durable before it has its name. The caller holds ``start.lock``.

        Raises RunExists, OSError, ValueError for an id that is no plain file name.
        """
        if not spec.run_id.isalnum():
            raise ValueError(f"{spec.run_id!r} cannot name a run")
        there = self.get(spec.run_id)
        if there is not None:
            raise RunExists(there)
        self._make_folders()
        building = os.path.join(self.folder, _NEW + spec.run_id)
        removal.remove_run(building)  # of a start that died here
        storage.make_folder(building)
        self._fill(RunPaths(building), spec, by or spec.by)
        os.rename(building, os.path.join(self.folder, spec.run_id))
        storage.sync_folder(self.folder)
        return self._open(spec.run_id)

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
            self._known = {name: self._open(name) for name in names}
            self._listed = listed
        return sorted(self._known.values(), key=_serial, reverse=True)

    def get(self, run_id: str) -> Optional[Run]:
        """The run with that id; None where there is none."""
        if not run_id.isalnum() or not os.path.isdir(os.path.join(self.folder, run_id)):
            return None
        return self._open(run_id)

    def live_named(self, name: str) -> Optional[Run]:
        """The newest run of that name that lives, or that somebody still takes care of."""
        for run in self.all():
            if run.spec().name == name and (run.condition().live or run.is_held()):
                return run
        return None

    def newest_named(self, name: str) -> Optional[Run]:
        """The newest run of that name."""
        return next((run for run in self.all() if run.spec().name == name), None)

    def forget(self, run: Run) -> Tuple[str, ...]:
        """Removes a run that is over. What a worker put there itself is moved aside: those paths.

        Raises RunLives, OSError.
        """
        lock = run.take()
        if lock is None:
            raise RunLives(f"{run.run_id}: its supervisor is at work")
        try:
            self._refuse_living(run)
            gone = os.path.join(self.folder, _GONE + run.run_id)
            os.rename(run.paths.folder, gone)
            storage.sync_folder(self.folder)
            self._known.pop(run.run_id, None)
            return removal.remove_run(gone, os.path.join(self.node_folder, "kept", run.run_id))
        finally:
            os.close(lock)

    def prune(self) -> Tuple[str, ...]:
        """Forgets what retention does not keep; the run ids."""
        return ()

    def _refuse_living(self, run: Run) -> None:
        now = run.condition()
        if now.pid is not None and process.start_ticks(now.pid) == now.ticks:
            raise RunLives(f"{run.run_id}: process {now.pid} is alive")

    def _open(self, run_id: str) -> Run:
        if run_id not in self._known:
            self._known[run_id] = Run(RunPaths(os.path.join(self.folder, run_id)))
        return self._known[run_id]

    def _make_folders(self) -> None:
        storage.make_folder(os.path.dirname(self.node_folder))
        storage.make_folder(self.node_folder)
        storage.make_folder(self.folder)

    def _fill(self, paths: RunPaths, spec: WorkerSpec, by: str) -> None:
        serial = 1 + max((_serial(run) for run in self.all()), default=0)
        write_spec(paths, spec)
        wishes.write(paths.desired, wishes.first(by))
        reserve.stock(paths.reserve)
        # The history holds the specification too: either file can be rebuilt from the other.
        Run(paths).append(kinds.CREATED, by=by, serial=serial, spec=plain(spec))
        storage.sync_folder(paths.folder)


def _serial(run: Run) -> int:
    serial = run.created.get("serial", 0)
    return serial if type(serial) is int else 0
