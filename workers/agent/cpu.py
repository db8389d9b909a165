"""CPU shares from the counters of /proc/stat."""

from typing import Dict, List, NamedTuple, Optional, Tuple

from workers.machine import procfs

# user nice system idle iowait irq softirq steal; guest time is already inside user and nice.
_FIELDS = 8
_Counters = Tuple[int, ...]


class CpuShares(NamedTuple):
    """Percent 0–100 of the time since the reading before; None in the first."""

    busy: Optional[float] = None
    user: Optional[float] = None
    system: Optional[float] = None
    iowait: Optional[float] = None
    steal: Optional[float] = None
    cores: Tuple[float, ...] = ()


class CpuReader:
    """Keeps the previous counters. ``read(cores=False)`` skips the single cores."""

    def __init__(self, proc: str = "/proc") -> None:
        self._path = proc + "/stat"
        self._previous: Dict[bytes, _Counters] = {}

    def read(self, cores: bool = False) -> CpuShares:
        content = procfs.read(self._path)
        if content is None:
            return CpuShares()
        present = parse(content, cores)
        before, self._previous = self._previous, present
        shares = total(before.get(b"cpu"), present.get(b"cpu"))
        if not cores or shares.busy is None:
            return shares
        return shares._replace(cores=_cores(before, present))


def parse(content: bytes, cores: bool = True) -> Dict[bytes, _Counters]:
    """Clock ticks by line name: ``cpu`` of all, ``cpu0``, ``cpu1`` … of each core online."""
    found: Dict[bytes, _Counters] = {}
    for line in content.split(b"\n"):
        if not line.startswith(b"cpu"):
            break
        words = line.split()
        counters = [int(word) for word in words[1 : _FIELDS + 1]]
        # Kernels and emulated /proc without the later columns count nothing there.
        found[words[0]] = tuple(counters + [0] * (_FIELDS - len(counters)))
        if not cores:
            break
    return found


def total(before: Optional[_Counters], present: Optional[_Counters]) -> CpuShares:
    """The shares between two readings of one line."""
    if before is None or present is None:
        return CpuShares()
    # Single counters are known to step back (iowait, a core gone offline): never below zero.
    spent = [max(0, now - then) for then, now in zip(before, present)]
    whole = sum(spent)
    if whole <= 0:
        return CpuShares()
    user, nice, system, idle, iowait, irq, softirq, steal = (100.0 * part / whole for part in spent)
    return CpuShares(
        busy=max(0.0, 100.0 - idle - iowait),
        user=user + nice,
        system=system + irq + softirq,
        iowait=iowait,
        steal=steal,
    )


def _cores(before: Dict[bytes, _Counters], present: Dict[bytes, _Counters]) -> Tuple[float, ...]:
    found: List[float] = []
    for name, counters in present.items():
        if name != b"cpu":
            # A core that has just come online has no share yet; idle keeps its place in the row.
            found.append(total(before.get(name), counters).busy or 0.0)
    return tuple(found)
