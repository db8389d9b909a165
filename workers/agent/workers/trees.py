"""What the processes of each run use together, from the sweep that the sampler has made anyway."""

from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Set

from workers.agent.processes import Reading
from workers.machine import procfs

_UNINTERRUPTIBLE = "D"


class Tree(NamedTuple):
    """Figures of a whole tree; None: not available."""

    processes: Optional[int] = None
    cpu_percent: Optional[float] = None  # of one core
    memory_bytes: Optional[int] = None  # resident, shared pages counted for each process
    gpu_memory_bytes: Optional[int] = None


class Forest:
    """Who is whose child, of one sweep."""

    def __init__(
        self, readings: Mapping[int, Reading], gpu_memory: Mapping[int, Optional[int]]
    ) -> None:
        self.readings = readings
        self._gpu_memory = gpu_memory
        self._children: Dict[int, List[int]] = {}
        for pid, reading in readings.items():
            self._children.setdefault(reading.parent_pid, []).append(pid)

    def holds(self, pid: Optional[int], ticks: Optional[int]) -> bool:
        """Whether this very process was seen in the sweep."""
        reading = self.readings.get(pid or 0)
        return reading is not None and reading.start_ticks == ticks

    def descendants(self, roots: Iterable[int], beside: Iterable[int] = ()) -> List[int]:
        """The roots and all below them, without those ``beside``."""
        found: List[int] = []
        seen: Set[int] = set(beside)
        waiting = list(roots)
        while waiting:
            pid = waiting.pop()
            if pid in seen or pid not in self.readings:
                continue
            seen.add(pid)
            found.append(pid)
            waiting += self._children.get(pid, ())
        return found

    def children(self, pid: int) -> List[int]:
        return self._children.get(pid, [])

    def tree(self, pids: List[int]) -> Tree:
        """The sums; the CPU is None until two sweeps have seen them."""
        rows = [self.readings[pid] for pid in pids]
        if not rows:
            return Tree()
        shares = [row.cpu_percent for row in rows if row.cpu_percent is not None]
        sizes = [row.resident_bytes for row in rows if row.resident_bytes is not None]
        held = [self._gpu_memory.get(pid) for pid in pids]
        known = [each for each in held if each is not None]
        return Tree(
            len(rows),
            round(sum(shares), 1) if shares else None,
            sum(sizes) if sizes else None,
            sum(known) if known else None,
        )


def blocked_in(pid: int, reading: Reading, proc: str = "/proc") -> Optional[str]:
    """Where a process hangs in the kernel; None for one that does not."""
    if reading.state != _UNINTERRUPTIBLE:
        return None
    place = procfs.text(f"{proc}/{pid}/wchan")
    return place if place and place != "0" else "unknown"
