"""The machines of the scripted fleet: what each is made of, and which trouble it has."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cache

GIB = 1024**3
GB = 1000**3
TB = 1000**4


class Trouble(Enum):
    """What is wrong with a machine of the demo; most have none."""

    NONE = auto()
    DISK_NEARLY_FULL = auto()
    DISK_FULL = auto()
    GPU_LOST = auto()
    GPU_HUNG = auto()
    GPU_IDLE = auto()
    GPU_HOT = auto()
    CONTENTION = auto()
    MEMORY = auto()
    CLOCK_SKEW = auto()
    STALE_DATA = auto()
    STALE_LINK = auto()
    HOSTILE_NAMES = auto()
    REFUSED = auto()
    UNKNOWN_KEY = auto()
    CHANGED_KEY = auto()
    NO_PYTHON = auto()


@dataclass(frozen=True)
class GpuKind:
    name: str
    memory_bytes: int
    power_limit_w: float
    sm_clock_mhz: int
    memory_clock_mhz: int
    has_fan: bool


H100 = GpuKind("NVIDIA H100 80GB HBM3", 80 * GIB, 700.0, 1980, 2619, False)
GH200 = GpuKind("NVIDIA GH200 480GB", 96 * GIB, 900.0, 1980, 2619, False)
RTX4090 = GpuKind("NVIDIA GeForce RTX 4090", 24 * GIB, 450.0, 2520, 10501, True)
A10 = GpuKind("NVIDIA A10", 24 * GIB, 150.0, 1695, 6251, False)


@dataclass(frozen=True)
class Volume:
    path: str
    device: str
    total_bytes: int
    used: float  # fraction when the demo starts
    grows_bytes_per_h: float = 0.0
    file_system: str = "ext4"


@dataclass(frozen=True)
class Machine:
    name: str
    hostname: str
    address: str
    cores: int
    memory_bytes: int
    cpu_model: str
    load: float  # busy cores, a fraction of `cores`
    uptime_days: float
    tags: tuple[str, ...]
    gpus: tuple[GpuKind, ...] = ()
    volumes: tuple[Volume, ...] = ()
    work: str = "idle"  # selfplay, train, evaluate, store, idle
    trouble: Trouble = Trouble.NONE
    data: tuple[tuple[str, int, int], ...] = field(
        default=()
    )  # (dataset, records, records per hour)
    architecture: str = "x86_64"


EPYC = "AMD EPYC 9554 64-Core Processor"
XEON = "Intel(R) Xeon(R) Platinum 8480C"
GRACE = "Neoverse-V2"
RYZEN = "AMD Ryzen 9 7950X 16-Core Processor"
ROME = "AMD EPYC 7763 64-Core Processor"


def _root(used: float) -> Volume:
    return Volume("/", "nvme0n1p2", 250 * GB, used)


def _data(total: int, used: float, grows: float = 0.0) -> Volume:
    return Volume("/data", "nvme1n1", total, used, grows)


_OWNED = (
    Machine("home", "home", "192.168.1.20", 32, 64 * GIB, RYZEN, 0.22, 41, ("owned", "eval"),
            (RTX4090,), (_root(0.41), _data(4 * TB, 0.52, 2e9)), "evaluate",
            data=(("hex8_2p", 155_368, 62), ("square8_2p", 61_204, 48), ("hexagonal_4p", 4_190, 31))),
    Machine("gpu-1", "gpu-1", "10.77.0.3", 96, 512 * GIB, EPYC, 0.82, 12.2, ("owned", "selfplay"),
            (H100,) * 4, (_root(0.33), _data(8 * TB, 0.914, 76e9)), "selfplay", Trouble.GPU_IDLE,
            (("hex8_2p", 143_119, 1_204), ("square8_2p", 28_838, 312))),
    Machine("gpu-2", "gpu-2", "10.77.0.4", 72, 480 * GIB, GRACE, 0.09, 3.1, ("owned", "train"),
            (GH200,), (_root(0.29), _data(4 * TB, 0.14, 4e9)), "train",
            data=(("hex8_2p", 155_368, 2_980),), architecture="aarch64"),
    Machine("gpu-3", "gpu-3", "10.77.0.5", 64, 256 * GIB, ROME, 0.01, 1.3, ("owned", "selfplay"),
            (RTX4090,) * 8, (_root(0.58), _data(2 * TB, 1.0)), "selfplay", Trouble.DISK_FULL,
            (("hex8_2p", 28_838, 0), ("square19_3p", 9_412, 0))),
    Machine("gpu-4", "gpu-4", "10.77.0.6", 192, 2048 * GIB, XEON, 0.36, 88, ("owned", "train"),
            (H100,) * 8, (_root(0.62), _data(16 * TB, 0.47, 31e9)), "train",
            data=(("square19_3p", 412_006, 5_130), ("hexagonal_4p", 88_410, 940))),
    Machine("gpu-5", "gpu-5", "10.77.0.7", 48, 192 * GIB, XEON, 0.44, 9.4, ("owned", "selfplay"),
            (A10,) * 4, (_root(0.47), _data(2 * TB, 0.63, 6e9)), "selfplay", Trouble.GPU_LOST,
            (("square8_2p", 71_233, 388),)),
    Machine("gpu-6", "gpu-6", "10.77.0.8", 32, 128 * GIB, XEON, 0.05, 20.8, ("owned", "selfplay"),
            (A10,) * 2, (_root(0.51), _data(2 * TB, 0.35)), "selfplay", Trouble.GPU_HUNG,
            (("square8_2p", 15_920, 0),)),
)  # fmt: skip

_RENTED = (
    Machine("lambda-1", "192-222-51-11", "192.0.2.11", 64, 432 * GIB, GRACE, 0.61, 5.5,
            ("rented", "selfplay"), (GH200,), (_root(0.22), _data(4 * TB, 0.38, 18e9)), "selfplay",
            data=(("hex8_2p", 301_553, 4_410), ("square8_2p", 44_018, 790)), architecture="aarch64"),
    Machine("lambda-2", "192-222-51-48", "192.0.2.48", 64, 432 * GIB, GRACE, 0.58, 5.4,
            ("rented", "selfplay"), (GH200,), (_root(0.24), _data(4 * TB, 0.41, 17e9)), "selfplay",
            Trouble.CLOCK_SKEW, (("hex8_2p", 288_107, 4_120),), "aarch64"),
    Machine("lambda-3", "150-136-9-200", "192.0.2.200", 208, 1800 * GIB, XEON, 0.71, 2.2,
            ("rented", "train"), (H100,) * 8, (_root(0.19), _data(20 * TB, 0.22, 55e9)), "train",
            data=(("square19_3p", 498_440, 8_760),)),
    Machine("lambda-4", "150-136-9-201", "192.0.2.201", 30, 200 * GIB, XEON, 0.1, 0.4,
            ("rented",), (A10,), (_root(0.2),), "idle", Trouble.NO_PYTHON),
    Machine("vast-1", "C.9482211", "198.51.100.104", 48, 192 * GIB, ROME, 0.77, 6.7,
            ("rented", "selfplay"), (RTX4090,) * 4, (_root(0.71), _data(1 * TB, 0.66, 9e9)),
            "selfplay", data=(("square8_2p", 118_330, 1_840), ("hex8_2p", 20_114, 260))),
    Machine("vast-2", "C.9482307", "198.51.100.109", 64, 256 * GIB, ROME, 0.69, 6.6,
            ("rented", "selfplay"), (RTX4090,) * 8, (_root(0.44), _data(1 * TB, 0.58, 12e9)),
            "selfplay", Trouble.GPU_HOT, (("square8_2p", 204_871, 3_390),)),
    Machine("vast-3", "C.9490035", "198.51.100.14", 32, 128 * GIB, RYZEN, 0.4, 0.1,
            ("rented", "selfplay"), (RTX4090,) * 2, (_root(0.12), _data(500 * GB, 0.05, 4e9)),
            "selfplay", Trouble.UNKNOWN_KEY, (("hexagonal_4p", 612, 95),)),
    Machine("vast-4", "C.9490036", "198.51.100.15", 32, 128 * GIB, RYZEN, 0.4, 0.1,
            ("rented", "selfplay"), (RTX4090,) * 2, (_root(0.12),), "selfplay",
            Trouble.CHANGED_KEY),
    Machine("vast-5", "C.9471900", "203.0.113.77", 24, 96 * GIB, RYZEN, 0.4, 0.1,
            ("rented", "selfplay"), (RTX4090,), (_root(0.12),), "selfplay", Trouble.REFUSED),
    Machine("vast-6", "C.9488120", "203.0.113.30", 32, 128 * GIB, RYZEN, 0.55, 3.8,
            ("rented", "selfplay"), (RTX4090,) * 2, (_root(0.37), _data(500 * GB, 0.44, 3e9)),
            "selfplay", Trouble.STALE_LINK, (("hexagonal_4p", 22_760, 410),)),
    Machine("vast-7", "C.9491177", "203.0.113.201", 16, 64 * GIB, RYZEN, 0.48, 0.9,
            ("rented", "selfplay"), (RTX4090,), (_root(0.31), _data(500 * GB, 0.29, 2e9)),
            "selfplay", Trouble.HOSTILE_NAMES, (("hex8_2p", 9_018, 177),)),
)  # fmt: skip

_PLAIN = (
    Machine("cpu-1", "cpu-1", "10.77.1.1", 64, 256 * GIB, EPYC, 2.6, 63, ("owned", "selfplay"),
            (), (_root(0.36), _data(4 * TB, 0.48, 8e9)), "selfplay", Trouble.CONTENTION,
            (("square8_2p", 512_240, 2_204),)),
    Machine("cpu-2", "cpu-2", "10.77.1.2", 64, 256 * GIB, EPYC, 0.93, 63, ("owned", "selfplay"),
            (), (_root(0.35), _data(4 * TB, 0.46, 7e9)), "selfplay",
            data=(("square8_2p", 498_771, 2_611),)),
    Machine("cpu-3", "cpu-3", "10.77.1.3", 48, 64 * GIB, ROME, 0.5, 17, ("owned", "selfplay"),
            (), (_root(0.4), _data(2 * TB, 0.31, 5e9)), "selfplay", Trouble.MEMORY,
            (("hexagonal_4p", 61_377, 522),)),
    Machine("cpu-4", "cpu-4", "10.77.1.4", 48, 128 * GIB, ROME, 0.02, 17, ("owned", "selfplay"),
            (), (_root(0.4), _data(2 * TB, 0.3)), "selfplay", Trouble.STALE_DATA,
            (("square19_3p", 30_912, 0),)),
    Machine("nas", "nas", "10.77.0.2", 8, 64 * GIB, "Intel(R) Xeon(R) D-2123IT", 0.08, 211,
            ("owned", "storage"), (), (_root(0.17), Volume("/tank", "tank/data", 96 * TB, 0.57,
            41e9, "zfs")), "store",
            data=(("hex8_2p", 890_412, 8_400), ("square8_2p", 1_402_118, 9_180),
                  ("square19_3p", 602_117, 13_200), ("hexagonal_4p", 171_004, 1_830))),
    Machine("bastion", "bastion", "198.51.100.5", 2, 4 * GIB, "Intel Xeon E312xx", 0.04, 402,
            ("owned",), (), (Volume("/", "vda1", 25 * GB, 0.34),), "idle"),
)  # fmt: skip

MACHINES = _OWNED + _RENTED + _PLAIN


@cache
def machine(index: int) -> Machine:
    """The machine with this number; past the catalogue its healthy ones come again under other names."""
    if index < len(MACHINES):
        return MACHINES[index]
    model = _HEALTHY[index % len(_HEALTHY)]
    name = f"sim-{index:04}"
    address = f"10.{80 + index // 65_536}.{index // 256 % 256}.{index % 256}"
    return replace(model, name=name, hostname=name, address=address)


_HEALTHY = tuple(m for m in MACHINES if m.trouble is Trouble.NONE)


def machine_named(name: str) -> Machine | None:
    """The one of the catalogue with this name."""
    return next((one for one in MACHINES if one.name == name), None)
