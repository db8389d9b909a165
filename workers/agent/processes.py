"""All processes of the node, swept from /proc once an interval."""

import json
import os
import time
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from workers.agent.dozing import Dozing
from workers.agent.users import UserNames
from workers.machine import procfs
from workers.machine.boot import booted_at
from workers.machine.process import start_ticks
from workers.protocol import GpuReport, Process, ProcessTable

COMMAND_LIMIT = 4096  # characters of one command line
_TABLE_BYTES = 3_400_000  # of JSON, so that a table stays below one frame
_ROW_BYTES = 400  # of JSON for a row without its command line
_SHORT_COMMAND = 120  # of JSON, what is left of a command line at least
_FACTS_AGE_S = 15.0  # a command line may be rewritten, a user may be changed

_STAT_BYTES = 4096
_FLAG_KERNEL_THREAD = 0x00200000


class Reading(NamedTuple):
    """What one line of /proc/PID/stat says, and the CPU share since the sweep before."""

    start_ticks: int
    cpu_ticks: int
    cpu_percent: Optional[float]
    resident_bytes: Optional[int]
    threads: Optional[int]
    parent_pid: int
    state: str
    name: str
    flags: int
    line: bytes


class Facts(NamedTuple):
    """What hardly ever changes in a process; read again when its name changed or it is old."""

    start_ticks: int
    name: str
    command: str
    user: str
    at: float

    def holds(self, reading: Reading, now: float) -> bool:
        """Whether they may still be shown. Exec changes the name and neither of the numbers."""
        return (
            self.start_ticks == reading.start_ticks
            and self.name == reading.name
            and now - self.at < _FACTS_AGE_S
        )


class ProcessReader:
    """Sweeps /proc and keeps the readings. One instance serves samples and requests alike."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._hertz = os.sysconf("SC_CLK_TCK")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._readings: Dict[int, Reading] = {}
        self._facts: Dict[int, Facts] = {}
        self._gpu_memory: Mapping[int, Optional[int]] = {}
        self._user_name = UserNames()
        self._booted_at = booted_at(proc)
        self._swept_at: Optional[float] = None
        self._refused = 0
        self._dozing = Dozing()
        self.count: Optional[int] = None
        """Processes on the node; None where the system hides those of others."""

    def sweep(self, thorough: bool = True) -> None:
        """Reads every process. Costs about 10 µs each.

        Else those that have slept for long are not read at every sweep.
        """
        now = time.monotonic()
        elapsed_s = None if self._swept_at is None else now - self._swept_at
        # Below a few ticks the share of a process is only rounding: keep the reading before.
        if elapsed_s is not None and elapsed_s < 0.05:
            return
        self._swept_at = now
        self._dozing.begin(self._readings)
        self._refused = 0
        listed = self._listed()
        present: Dict[int, Reading] = {}
        for name in listed:
            pid = int(name)
            if not thorough and self._dozing.is_skipped(pid):
                present[pid] = self._readings[pid]
                continue
            read_at = self._dozing.read_at(pid)
            reading = self._read(name, elapsed_s if read_at is None else now - read_at)
            if reading is not None:
                present[pid] = reading
        self._readings = present
        self._facts = {pid: facts for pid, facts in self._facts.items() if pid in present}
        # Process 1 is there for everyone unless other users' processes are hidden (hidepid=2).
        self.count = len(listed) if "1" in listed else None

    @property
    def readings(self) -> Mapping[int, Reading]:
        """Of the last sweep; each sweep makes another one, so it may be read from any thread."""
        return self._readings

    @property
    def gpu_memory(self) -> Mapping[int, Optional[int]]:
        """As ``merge`` was last told."""
        return self._gpu_memory

    @property
    def age_s(self) -> Optional[float]:
        """Seconds since the last sweep; None before the first."""
        return None if self._swept_at is None else time.monotonic() - self._swept_at

    @property
    def restricted(self) -> bool:
        """Whether the system hides processes of others from this agent."""
        return self.count is None or self._refused > 0

    def top(self, count: int) -> Tuple[Process, ...]:
        """The busiest by CPU, then the largest by memory, none twice."""
        readings = self._readings
        busy = [pid for pid, reading in readings.items() if reading.cpu_percent]
        busy.sort(key=lambda pid: readings[pid].cpu_percent or 0.0, reverse=True)
        chosen = busy[: (count + 1) // 2]
        large = sorted(readings, key=lambda pid: readings[pid].resident_bytes or 0, reverse=True)
        taken = set(chosen)
        for pid in large:
            if len(chosen) >= count:
                break
            if pid not in taken:
                chosen.append(pid)
        return self._describe(chosen)

    def table(self, limit: int = 20_000) -> ProcessTable:
        """All processes by number, as many as one frame carries; those of the kernel go first."""
        chosen = sorted(self._readings)
        if len(chosen) > limit:
            chosen = self._without_kernel_threads(chosen)
        rows = self._describe(chosen[:limit])
        fitting = _fit(rows)
        return ProcessTable(
            fitting, truncated=len(fitting) < len(self._readings), restricted=self.restricted
        )

    def find(self, pid: int) -> Optional[Process]:
        """One process as it is now; its CPU share is of the last sweep."""
        reading = self._read(str(pid), None)
        if reading is None:
            return None
        swept = self._readings.get(pid)
        if swept is not None and swept.start_ticks == reading.start_ticks:
            reading = reading._replace(cpu_percent=swept.cpu_percent)
        return self._row(pid, reading)

    def start_ticks(self, pid: int) -> Optional[int]:
        """When the process started, read now; None when there is none to be seen."""
        return start_ticks(pid, self._proc)

    def merge(self, gpu: GpuReport) -> None:
        """Takes the GPU memory of the processes from this report."""
        self._gpu_memory = gpu_memory(gpu)

    # ------------------------------------------------------------ one sweep

    def _listed(self) -> List[str]:
        try:
            return [name for name in os.listdir(self._proc) if name.isdigit()]
        except OSError:
            return []

    def _read(self, name: str, elapsed_s: Optional[float]) -> Optional[Reading]:
        try:
            descriptor = os.open(self._proc + "/" + name + "/stat", os.O_RDONLY | os.O_CLOEXEC)
        except PermissionError:  # listed but not ours to look at (hidepid=1)
            self._refused += 1
            return None
        except OSError:
            return None  # ended since it was listed
        try:
            line = os.read(descriptor, _STAT_BYTES)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        before = self._readings.get(int(name))
        if before is not None and before.line == line and before.cpu_percent == 0.0:
            self._dozing.slept(int(name), self._swept_at or 0.0)
            return before  # asleep since the last sweep, as most are
        self._dozing.woke(int(name))
        # A name may hold blanks and brackets: it ends at the last one.
        end = line.rfind(b")")
        words = line[end + 2 :].split(None, 22)
        if len(words) < 22:
            return None
        start_ticks = int(words[19])
        cpu_ticks = int(words[11]) + int(words[12])
        percent = None
        if elapsed_s and before is not None and before.start_ticks == start_ticks:
            percent = max(0.0, 100.0 * (cpu_ticks - before.cpu_ticks) / self._hertz / elapsed_s)
        return Reading(
            start_ticks,
            cpu_ticks,
            percent,
            int(words[21]) * self._page_bytes,
            int(words[17]),
            int(words[1]),
            words[0].decode("ascii", "replace"),
            line[line.find(b"(") + 1 : end].decode("utf-8", "surrogateescape"),
            int(words[6]),
            line,
        )

    # ------------------------------------------------------------ rows

    def _describe(self, pids: Iterable[int]) -> Tuple[Process, ...]:
        rows: List[Process] = []
        for pid in pids:
            reading = self._readings.get(pid)
            if reading is not None:
                rows.append(self._row(pid, reading))
        return tuple(rows)

    def _row(self, pid: int, reading: Reading) -> Process:
        facts = self._facts_of(pid, reading)
        started_at = None
        if self._booted_at is not None:
            started_at = self._booted_at + reading.start_ticks / self._hertz
        return Process(
            pid=pid,
            start_ticks=reading.start_ticks,
            parent_pid=reading.parent_pid,
            name=reading.name,
            command=facts.command or "[" + reading.name + "]",
            user=facts.user,
            state=reading.state,
            cpu_percent=reading.cpu_percent,
            memory_bytes=reading.resident_bytes,
            gpu_memory_bytes=self._gpu_memory.get(pid),
            threads=reading.threads,
            started_at=started_at,
        )

    def _facts_of(self, pid: int, reading: Reading) -> Facts:
        facts = self._facts.get(pid)
        now = time.monotonic()
        if facts is None or not facts.holds(reading, now):
            folder = self._proc + "/" + str(pid)
            command = command_line(procfs.read(folder + "/cmdline", 2 * COMMAND_LIMIT) or b"")
            facts = Facts(reading.start_ticks, reading.name, command, self._owner(folder), now)
            self._facts[pid] = facts
        return facts

    def _owner(self, folder: str) -> str:
        try:
            return self._user_name(os.stat(folder).st_uid)
        except OSError:
            return "n/a"

    def _without_kernel_threads(self, pids: List[int]) -> List[int]:
        return [p for p in pids if not self._readings[p].flags & _FLAG_KERNEL_THREAD]


def command_line(content: bytes) -> str:
    """The arguments of /proc/PID/cmdline joined by blanks, at most ``COMMAND_LIMIT`` characters."""
    # A program that rewrote its title may leave a tail of zero bytes.
    words = content.rstrip(b"\0").replace(b"\0", b" ")
    return words.decode("utf-8", "surrogateescape")[:COMMAND_LIMIT]


def gpu_memory(gpu: GpuReport) -> Dict[int, Optional[int]]:
    """Bytes held on all GPUs by process; None where the driver names the process but not the sum."""
    held: Dict[int, Optional[int]] = {}
    for card in gpu.gpus:
        for process in card.processes:
            known = held.get(process.pid)
            if process.memory_bytes is not None:
                held[process.pid] = process.memory_bytes + (known or 0)
            else:
                held.setdefault(process.pid, None)
    return held


def _fit(rows: Tuple[Process, ...]) -> Tuple[Process, ...]:
    """The rows whose JSON fits one frame: long command lines are cut before rows are dropped."""
    room = max(_SHORT_COMMAND, _TABLE_BYTES // max(1, len(rows)) - _ROW_BYTES)
    sizes = [len(json.dumps(row.command)) for row in rows]
    if sum(sizes) + len(rows) * _ROW_BYTES <= _TABLE_BYTES:
        return rows
    used = 0
    fitting: List[Process] = []
    for row, size in zip(rows, sizes):
        if size > room:
            row = row._replace(command=row.command[: len(row.command) * room // size])
        used += _ROW_BYTES + min(size, room)
        if used > _TABLE_BYTES:
            break
        fitting.append(row)
    return tuple(fitting)
