"""What no record owns, and records that own nothing; each with why, and what may be done about it.

Nothing is done by looking. What is shown again under the same ``orphan_id`` is the same thing.
"""

import os
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

from workers.agent.users import UserNames
from workers.agent.workers import lock_files
from workers.agent.workers.marked import Marked, argv_of, main_of, marked
from workers.agent.workers.record import cut
from workers.machine import process
from workers.machine.process import ProcessRow
from workers.protocol import Orphan, OrphanReport
from workers.supervisor.condition import LOST
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

UNRECORDED, DEAD, DUPLICATE, STALE_LOCK = "unrecorded", "dead", "duplicate", "stale_lock"
_MOST = 200


class Scene(NamedTuple):
    """One look at the records and at the processes."""

    runs: Tuple[Run, ...]
    families: Dict[str, List[Marked]]  # by run id
    table: Dict[int, ProcessRow]

    @property
    def recorded(self) -> Set[str]:
        return {run.run_id for run in self.runs}


def look(runs: Runs) -> Scene:
    """Raises OSError where the records cannot be read."""
    node_key = os.path.basename(runs.node_folder)
    return Scene(tuple(runs.all()), marked(node_key), process.table())


def find(runs: Runs) -> OrphanReport:
    """All orphans of this node."""
    try:
        scene = look(runs)
    except OSError as error:
        return OrphanReport((), False, (f"{runs.folder}: {error.strerror}",))
    found = [*_unrecorded(scene), *_dead(scene), *_singletons(scene), *_doubles(scene)]
    found += _locks(scene)
    hidden = 1 not in scene.table
    missing = ("processes of other users: the system hides them",) if hidden else ()
    return OrphanReport(tuple(found[:_MOST]), len(found) <= _MOST and not hidden, missing)


def families_without_record(scene: Scene) -> Iterator[List[Marked]]:
    """Processes whose run is not kept here, nor under another state directory of this node."""
    for run_id, family in scene.families.items():
        if run_id not in scene.recorded and not _kept_elsewhere(family):
            yield family


def _kept_elsewhere(family: List[Marked]) -> bool:
    return any(os.path.exists(os.path.join(one.run_folder, "spec.json")) for one in family)


def _unrecorded(scene: Scene) -> Iterator[Orphan]:
    for family in families_without_record(scene):
        main = main_of(family)
        count = f" ({len(family)} processes)" if len(family) > 1 else ""
        yield Orphan(
            orphan_id=f"{UNRECORDED}:{main.run_id}:{main.pid}:{main.ticks}",
            kind=UNRECORDED,
            why=f"it carries the token of a run of this node, but the run's folder is gone{count}",
            acts=("adopt", "stop", "kill"),
            pid=main.pid,
            start_ticks=main.ticks,
            user=_user(main.pid),
            command=_command(main.pid),
            run_id=main.run_id,
            name=main.name,
        )


def _dead(scene: Scene) -> Iterator[Orphan]:
    for run in scene.runs:
        now, spec = run.condition(), run.spec()
        if run.is_held():
            continue
        if now.state == LOST:
            why = f"it was lost ({now.lost_reason}): how it ended is not known"
        elif now.live and not _alive(now.pid, now.ticks, scene):
            what = f"process {now.pid} is gone" if now.pid else "it has no process"
            why = f"its record says {now.state}, but {what} and nobody watches it"
        else:
            continue
        yield Orphan(
            orphan_id=f"{DEAD}:{run.run_id}:{now.attempt}",
            kind=DEAD,
            why=why,
            acts=("forget",),
            command=" ".join(cut(spec.command)),
            run_id=run.run_id,
            name=spec.name,
        )


def _singletons(scene: Scene) -> Iterator[Orphan]:
    """Of several live holders of one singleton the newer ones."""
    holders: Dict[str, Run] = {}
    for run in reversed(scene.runs):
        spec, now = run.spec(), run.condition()
        if not spec.singleton or not _alive(now.pid, now.ticks, scene):
            continue
        first = holders.setdefault(spec.singleton, run)
        if first is not run:
            yield Orphan(
                orphan_id=f"{DUPLICATE}:{run.run_id}:{now.pid}:{now.ticks}",
                kind=DUPLICATE,
                why=f"only one may hold {spec.singleton!r}, and {first.spec().name} does",
                acts=("stop", "kill"),
                pid=now.pid,
                start_ticks=now.ticks,
                user=_user(now.pid or 0),
                command=" ".join(cut(spec.command)),
                run_id=run.run_id,
                name=spec.name,
            )


def _doubles(scene: Scene) -> Iterator[Orphan]:
    """Processes without a token that run what a run of ours runs, in the same directory."""
    ours: Dict[Tuple[Tuple[str, ...], str], Run] = {}
    for run in scene.runs:
        now = run.condition()
        if _alive(now.pid, now.ticks, scene):
            argv = argv_of(now.pid or 0)
            if argv:
                ours[argv, _directory(now.pid or 0)] = run
    if not ours:
        return
    taken = {run.condition().pid or 0 for run in ours.values()}
    taken |= {row.pid for row in process.descendants(taken, scene.table)}
    taken |= {one.pid for family in scene.families.values() for one in family}
    for row in scene.table.values():
        if row.pid in taken or not row.alive:
            continue
        argv = argv_of(row.pid)
        run_of = ours.get((argv, _directory(row.pid))) if argv else None
        if run_of is not None:
            yield _double(row, run_of)


def _double(row: ProcessRow, run: Run) -> Orphan:
    own = _owner(row.pid) == os.geteuid()
    spec = run.spec()
    return Orphan(
        orphan_id=f"{DUPLICATE}:process:{row.pid}:{row.ticks}",
        kind=DUPLICATE,
        why=f"it runs the command of {spec.name} in the same directory, and no record of ours owns it",
        acts=("adopt", "stop", "kill") if own else (),
        pid=row.pid,
        start_ticks=row.ticks,
        user=_user(row.pid),
        command=_command(row.pid),
        run_id=run.run_id,
        name=spec.name,
    )


def _locks(scene: Scene) -> Iterator[Orphan]:
    seen: Set[str] = set()
    for run in scene.runs:
        spec = run.spec()
        for lock in lock_files.stale(spec):
            if lock.path in seen:
                continue
            seen.add(lock.path)
            yield Orphan(
                orphan_id=f"{STALE_LOCK}:{':'.join(map(str, lock.identity))}:{lock.path}",
                kind=STALE_LOCK,
                why=lock.why,
                acts=("clear",),
                pid=lock.pid,
                run_id=run.run_id,
                name=spec.name,
                path=lock.path,
            )


def _alive(pid: "int | None", ticks: "int | None", scene: Scene) -> bool:
    row = scene.table.get(pid or 0)
    return row is not None and row.ticks == ticks and row.alive


def _owner(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def _user(pid: int) -> str:
    uid = _owner(pid)
    return "" if uid < 0 else UserNames()(uid)


def _command(pid: int) -> str:
    return " ".join(cut(argv_of(pid)))


def _directory(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
