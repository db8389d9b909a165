"""Everything about one process, on request: from /proc, its connections by psutil where it is."""

import os
from typing import Any, Callable, List, Optional, Tuple, TypeVar

from workers.agent import portable
from workers.agent.process_identity import mismatch
from workers.agent.processes import ProcessReader
from workers.agent.site_packages import psutil
from workers.machine import procfs
from workers.protocol import DescribeProcess, Failure, Process, ProcessDetails

_MOST_FILES = 2000
_MOST_CONNECTIONS = 500
_NICE_WORD = 16  # of /proc/PID/stat behind the name

Value = TypeVar("Value")


def describe(request: DescribeProcess, processes: ProcessReader, proc: str = "/proc") -> Any:
    """``ProcessDetails``, or a ``Failure`` of code ``gone`` when it is another process or none."""
    wanted = request.process
    reason = mismatch(wanted)
    if reason is not None:
        return Failure("gone", reason)
    found = processes.find(wanted.pid)
    present = processes.start_ticks(wanted.pid)
    if found is None or present is None:
        return Failure("gone", f"process {wanted.pid} is already gone")
    if present != wanted.start_ticks or found.start_ticks != present:
        return Failure("gone", f"another process has the number {wanted.pid} now")
    if not os.path.isdir(proc):
        return portable.details(found)
    return _Look(found, proc).details()


class _Look:
    """One look at one process; collects what the system would not tell."""

    def __init__(self, process: Process, proc: str) -> None:
        self._process = process
        self._pid = process.pid
        self._folder = f"{proc}/{process.pid}"
        self._missing: List[str] = []

    def details(self) -> ProcessDetails:
        read_bytes, written_bytes = self._io()
        return ProcessDetails(
            process=self._process,
            executable=self._get("executable", lambda: os.readlink(self._folder + "/exe")),
            directory=self._get("directory", lambda: os.readlink(self._folder + "/cwd")),
            open_files=self._get("open files", self._open_files),
            connections=self._get("connections", self._connections),
            read_bytes=read_bytes,
            written_bytes=written_bytes,
            affinity=self._get("affinity", self._affinity),
            nice=self._get("nice", self._nice),
            cgroup=self._get("cgroup", self._cgroup),
            context_switches=self._get("context switches", self._context_switches),
            missing=tuple(self._missing),
        )

    def _get(self, what: str, read: Callable[[], Value]) -> Optional[Value]:
        try:
            return read()
        except Exception as error:  # psutil has errors of its own for the same causes
            self._missing.append(f"{what}: {_words(error)}")
            return None

    def _read(self, name: str) -> bytes:
        with open(self._folder + "/" + name, "rb") as file:
            return file.read()

    def _open_files(self) -> Tuple[str, ...]:
        folder = self._folder + "/fd"
        found: List[str] = []
        for name in sorted(os.listdir(folder), key=int)[:_MOST_FILES]:
            try:
                place = os.readlink(folder + "/" + name)
            except OSError:
                continue  # closed since it was listed
            if place.startswith("/"):
                found.append(place)
        return tuple(found)

    def _connections(self) -> Tuple[str, ...]:
        module = psutil()
        if module is None:
            raise LookupError("this node's Python has no psutil")
        process = module.Process(self._pid)
        # The name before psutil 6 was `connections`.
        listed = getattr(process, "net_connections", None) or process.connections
        return tuple([_connection(entry) for entry in listed("inet")[:_MOST_CONNECTIONS]])

    def _io(self) -> Tuple[Optional[int], Optional[int]]:
        """Bytes that reached or left the storage layer, not what the page cache served."""
        content = self._get("read and written bytes", lambda: self._read("io"))
        figures = procfs.numbers(content or b"")
        return figures.get(b"read_bytes"), figures.get(b"write_bytes")

    def _affinity(self) -> Tuple[int, ...]:
        return tuple(sorted(os.sched_getaffinity(self._pid)))

    def _nice(self) -> int:
        line = self._read("stat")
        return int(line[line.rfind(b")") + 2 :].split()[_NICE_WORD])

    def _cgroup(self) -> str:
        lines = self._read("cgroup").decode("utf-8", "surrogateescape").splitlines()
        unified = [line for line in lines if line.startswith("0::")]
        # Version 1 lists one line for each controller; systemd's names the unit.
        named = [line for line in lines if ":name=systemd:" in line]
        chosen = [line for line in unified if line != "0::/"] or named or unified or lines
        if not chosen:
            raise LookupError("in none")
        return chosen[0].split(":", 2)[2]

    def _context_switches(self) -> int:
        figures = procfs.numbers(self._read("status"))
        return figures[b"voluntary_ctxt_switches"] + figures[b"nonvoluntary_ctxt_switches"]


def _connection(entry: Any) -> str:
    kind = "tcp" if entry.type == 1 else "udp"
    there = f" → {_place(entry.raddr)}" if entry.raddr else ""
    state = "" if entry.status in ("NONE", "") else f" {entry.status}"
    return f"{kind} {_place(entry.laddr)}{there}{state}"


def _place(address: Any) -> str:
    if not address:
        return "*"
    return f"[{address.ip}]:{address.port}" if ":" in address.ip else f"{address.ip}:{address.port}"


def _words(error: Exception) -> str:
    if isinstance(error, PermissionError) or type(error).__name__ == "AccessDenied":
        return "not permitted"
    if isinstance(error, (FileNotFoundError, ProcessLookupError)):
        return "not there"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
