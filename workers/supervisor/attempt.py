"""One attempt: begun behind a gate, watched, its end made durable before its number is let go."""

import os
import time
from typing import List, Mapping, Optional

from workers.machine import boot, pidfd
from workers.machine.process import start_ticks
from workers.protocol import WorkerSpec
from workers.supervisor import cgroup, exit_record, pid_record, refusal, storage
from workers.supervisor import events as kinds
from workers.supervisor.cgroup import OomCounter
from workers.supervisor.child import Orders
from workers.supervisor.exit_record import ExitRecord
from workers.supervisor.holder import SHIM
from workers.supervisor.main_process import Ending, MainProcess
from workers.supervisor.pid_record import PidRecord
from workers.supervisor.refusal import Refusal
from workers.supervisor.run import Run
from workers.supervisor.spawn import read_report, spawn
from workers.supervisor.worker_environment import NoSecret, worker_environment

_OOM_CODE = 128 + 9  # what a shell makes of a child that was killed


class Attempt:
    """``main`` is None before its start and after its end; ``report`` is open until the command executes."""

    def __init__(self, run: Run, number: int, role: str) -> None:
        self.run = run
        self.number = number
        self.paths = run.paths.attempt(number)
        self.main: Optional[MainProcess] = None
        self.report: Optional[int] = None
        self.group = ""
        self._role = role
        self._said = b""
        self._oom: Optional[OomCounter] = None

    # ------------------------------------------------------------ the start

    def begin(self, spec: WorkerSpec, login: Mapping[str, str]) -> Optional[Refusal]:
        """Starts the command; what stood against it, where it could not even be forked.

        Raises OSError where not even the intention could be written down.
        """
        self.run.append(kinds.INTENT, attempt=self.number)
        try:
            storage.make_folder(self.paths.folder)
            exit_record.prepare(self.paths.exit_record)
            self._give_input(spec)
            orders = self._orders(spec, login)
        except NoSecret as error:
            return Refusal("secret", 0, "", str(error))
        except OSError as error:
            return refusal.of_error("files", error)
        try:
            self._spawn(orders)
        except OSError as error:
            self._drop_group()
            return refusal.of_error("fork", error)
        return None

    def _give_input(self, spec: WorkerSpec) -> None:
        if spec.input:
            storage.remove_quietly(self.paths.input)  # of a start that was cut short
            storage.write_plain(self.paths.input, "".join(spec.input).encode())

    def _orders(self, spec: WorkerSpec, login: Mapping[str, str]) -> Orders:
        home = login.get("HOME", "/")
        directory = (
            os.path.join(home, os.path.expanduser(spec.directory)) if spec.directory else home
        )
        environment = worker_environment(spec, login, self.run.paths, self.paths)
        environment["PWD"] = directory
        return Orders(
            spec.command, environment, directory, self.paths.gate, spec.nice, spec.affinity
        )

    def _spawn(self, orders: Orders) -> None:
        self.group = cgroup.make(f"{cgroup.PREFIX}{self.run.run_id[:16]}-{self.number}") or ""
        spawned = spawn(orders, self.paths.log("out"), self.paths.log("err"), self._remember)
        self.report = spawned.report
        self.hold(MainProcess(spawned.pid, spawned.ticks, True, _held(spawned.pid)))

    def _remember(self, pid: int, ticks: int) -> None:
        """Durable before the gate opens: who the process is, whatever happens to us."""
        if self.group and not cgroup.enter(self.group, pid):
            self._drop_group()
        held = _held(pid)
        number = pidfd.inode(held) if held is not None else 0
        if held is not None:
            os.close(held)
        record = PidRecord(
            self.number,
            pid,
            ticks,
            boot_id=boot.boot_id(),
            namespace=boot.pid_namespace(),
            init_ticks=start_ticks(1),
            token=self.run.paths.token,
            cgroup=self.group,
            pidfd_inode=number or None,
            shim=os.getpid() if self._role == SHIM else None,
            guardian=os.getppid() if self._role == SHIM else os.getpid(),
            boottime=boot.boottime(),
        )
        pid_record.write(self.paths.pid, record)

    def hold(self, main: MainProcess) -> None:
        """Watches this process from now on."""
        self.main = main
        self._oom = OomCounter(main.pid)

    def follow_report(self) -> Optional[Refusal]:
        """Reads what the child says until its exec; then the attempt has started, or the refusal is why not."""
        if self.report is None or self.main is None:
            return None
        said, over = read_report(self.report)
        self._said += said
        if not over:
            return None
        found, warnings = refusal.of_report(self._said, self.run.spec().command)
        if found is None and os.path.exists(self.paths.gate):
            found = Refusal("gate", 0, self.paths.gate, "it was killed before it could begin")
        if found is None:
            self.started()
        os.close(self.report)
        self.report, self._said = None, b""
        for text in warnings:
            self.run.append(kinds.WARNING, text=text)
        return found

    def look_around(self) -> None:
        """Every few seconds: what the kernel did to others is not told of this one."""
        if self._oom is not None:
            self._oom.look()

    def started(self) -> None:
        """Writes down that the command was executed. Raises OSError."""
        if self.main is not None:
            self._oom = OomCounter(self.main.pid)
            self.run.append(
                kinds.STARTED, attempt=self.number, pid=self.main.pid, ticks=self.main.ticks
            )

    # ------------------------------------------------------------ the end

    def refuse(self, why: Refusal) -> None:
        """Writes down why nothing runs, and lets the child that tried go. Raises OSError."""
        self.run.append(
            kinds.EXEC_FAILED,
            attempt=self.number,
            errno=why.errno,
            path=why.path,
            text=why.text,
            transient=why.transient,
        )
        if self.main is not None:
            if self.main.own:
                os.waitpid(self.main.pid, 0)
            self.main.close()
            self.main = None
        self._drop_group()

    def record(self, ending: Ending, asked: bool, killed: bool, leftovers: int) -> None:
        """Makes the end durable: the slot first, the history then. Raises OSError; the zombie is kept.

        ``killed``: by our own SIGKILL, so that it was not for want of memory.
        """
        if ending.status is None:
            self.lose("supervisor")
            return
        died = ending.signal == 9 or ending.code == _OOM_CODE
        oom = died and not killed and self._oom is not None and self._oom.grew()
        found = ExitRecord(
            self.number,
            code=ending.code,
            signal=ending.signal,
            core=ending.core,
            oom=oom,
            asked=asked,
            leftovers=leftovers,
            max_rss_bytes=ending.max_rss_bytes,
            cpu_s=ending.cpu_s,
            wall=time.time(),
            boottime=boot.boottime(),
            boot_id=boot.boot_id(),
            pid=self.main.pid if self.main else None,
            by=self._role,
        )
        exit_record.write(self.paths.exit_record, found)
        self.append_end(found)

    def record_nothing(self, asked: bool) -> None:
        """It was stopped before it was executed. Raises OSError."""
        self.append_end(ExitRecord(self.number, asked=asked))

    def append_end(self, found: ExitRecord) -> None:
        """Says in the history what the slot says. Raises OSError."""
        self.run.append(kinds.EXITED, **exit_record.fields(found))

    def lose(self, reason: str, last_seen: Optional[float] = None) -> None:
        """Nobody can say how it ended. Raises OSError."""
        seen = time.time() if last_seen is None else last_seen
        self.run.append(kinds.LOST, attempt=self.number, reason=reason, last_seen=seen)

    def let_go(self) -> None:
        """After its end is durable: the number may pass to another."""
        if self.main is not None:
            self.main.reap()
            self.main = None
        if self.report is not None:
            os.close(self.report)
            self.report = None

    def empty(self) -> None:
        """No process of it is left."""
        self._drop_group()

    def descriptors(self) -> List[int]:
        """What wakes the keeper beside signals: the child's report, the end of a process that is no child."""
        held = self.main.pidfd if self.main is not None and not self.main.own else None
        return [descriptor for descriptor in (self.report, held) if descriptor is not None]

    def _drop_group(self) -> None:
        if self.group:
            cgroup.remove(self.group)
            self.group = ""


def _held(pid: int) -> Optional[int]:
    try:
        return pidfd.open_process(pid)
    except OSError:
        return None
