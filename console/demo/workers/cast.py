"""Which workers each scripted machine has when the demo begins, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from console.demo.machines import GIB, MACHINES, Machine, Trouble, machine
from console.demo.noise import fraction
from console.demo.workers.legs import Leg

DAY_S, HOUR_S, MINUTE_S = 86_400.0, 3_600.0, 60.0


class Course(Enum):
    """What a worker does as time passes."""

    WELL = auto()
    SLOW = auto()
    SILENT = auto()  # alive, and nothing comes any more
    DISK_FULL = auto()
    WRITES_HANG = auto()
    CRASH_LOOP = auto()  # given up
    BACK_OFF = auto()  # crashed just now, starts again
    OUT_OF_MEMORY = auto()
    CONFIGURATION = auto()
    DONE = auto()
    STOPPED = auto()
    REBOOT = auto()
    KILL_PENDING = auto()
    PARTIAL = auto()  # a job of which some nodes are not done
    REFUSED = auto()  # a job that the other side turned away


OVER = frozenset(
    {
        Course.CRASH_LOOP,
        Course.OUT_OF_MEMORY,
        Course.CONFIGURATION,
        Course.DONE,
        Course.STOPPED,
        Course.REBOOT,
        Course.PARTIAL,
        Course.REFUSED,
    }
)


class Role(NamedTuple):
    """One run at the beginning. Rates are units a minute, ages seconds before the demo began."""

    name: str
    preset: str
    command: tuple[str, ...]
    course: Course = Course.WELL
    kind: str = "worker"
    unit: str = "game"
    per_minute: float = 0.0
    done: float = 0.0
    total: float | None = None
    phase: str = "play"
    cpu_percent: float = 100.0
    memory_bytes: int = 2 * GIB
    gpu_memory_bytes: int | None = None
    gpu_indices: tuple[int, ...] = ()
    pid: int = 0
    processes: int = 1
    age_s: float = HOUR_S  # of the attempt
    since_s: float = 0.0  # since its course began: the end, the last unit
    restarts: int = 0
    flags: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    drain: bool = False
    restart: str = "on-failure"
    singleton: str = ""
    says: str = ""  # its own words
    legs: tuple[Leg, ...] = ()  # of a job: its nodes
    tags: tuple[str, ...] = ()


@lru_cache(maxsize=2048)
def cast(index: int) -> tuple[Role, ...]:
    """The machine's runs, the newest first."""
    this = machine(index)
    base = 48_112 + 613 * index % 9_000  # as the scripted processes are numbered
    found: list[Role] = []
    if this.work == "selfplay":
        found += _selfplay(index, this, base)
    if this.work == "train" or this.name == "gpu-1":
        found += _train(index, this, base + 200 * (this.name == "gpu-1"))
    if this.work == "evaluate":
        found.append(_gauntlet(base))
    return (*found, *_of_name(this.name, base))


# ------------------------------------------------------------ the usual work


def _selfplay(index: int, this: Machine, base: int) -> list[Role]:
    dataset, _, hourly = this.data[0] if this.data else ("hex8_2p", 0, 60)
    copies = 2 if index >= len(MACHINES) else _COPIES.get(this.name, 3)
    course = _COURSES.get(this.trouble, Course.WELL)
    each = max(hourly, 60) / 60.0 / copies
    quiet = course in (Course.SILENT, Course.DISK_FULL)
    found = []
    for copy in range(copies):
        share = 0.9 + 0.2 * fraction(index, "share", copy)
        found.append(
            Role(
                name=f"selfplay-{copy + 1}",
                preset="selfplay",
                command=(
                    "python", "-m", "workers.selfplay", "--game", "reversi", "--board", dataset.rpartition("_")[0],
                    "--num-players", dataset[-2:-1], "--forever", "--output", "data/selfplay",
                ),
                course=course,
                per_minute=each * share,
                done=float(int(each * share * 60 * (20 + 4 * copy))),
                cpu_percent=0.4 if quiet else min(this.load, 1.0) * this.cores * 100.0 / copies,
                memory_bytes=(2 + copy % 3) * GIB,
                gpu_memory_bytes=5 * GIB if this.gpus else None,
                gpu_indices=(copy % len(this.gpus),) if this.gpus else (),
                pid=base + 1 + copy,
                processes=2,
                age_s=min(this.uptime_days * DAY_S * 0.8, (20 + 4 * copy) * HOUR_S),
                since_s=3.4 * HOUR_S + copy,
                drain=True,
            )
        )  # fmt: skip
    return [_changed(this.name, role) for role in found]


_COPIES = {"gpu-3": 4, "gpu-6": 2, "cpu-1": 4, "cpu-2": 8, "vast-2": 8, "lambda-1": 8, "vast-7": 1}
_COURSES = {
    Trouble.DISK_FULL: Course.DISK_FULL,
    Trouble.GPU_HUNG: Course.SILENT,
    Trouble.STALE_DATA: Course.SILENT,
}
_CHANGES: dict[tuple[str, str], dict[str, object]] = {
    ("cpu-1", "selfplay-2"): {"course": Course.SLOW},
    ("cpu-3", "selfplay-2"): {"course": Course.WRITES_HANG, "since_s": 70.0},
    ("gpu-5", "selfplay-3"): {"course": Course.CRASH_LOOP, "restarts": 5, "since_s": 8 * MINUTE_S},
    ("gpu-6", "selfplay-2"): {"course": Course.KILL_PENDING, "since_s": 95.0, "cpu_percent": 0.0},
    ("lambda-1", "selfplay-5"): {"flags": ("unguarded",)},
    ("vast-1", "selfplay-1"): {"flags": ("adopted",)},
    ("vast-1", "selfplay-3"): {
        "warnings": ("no hole punching on /data: its log is not rotated and grows",)
    },
    ("vast-2", "selfplay-8"): {
        "course": Course.BACK_OFF,
        "restarts": 2,
        "since_s": 5.0,
    },
    ("vast-7", "selfplay-1"): {"says": "[/x] \x1b[31m[@click=app.quit]press me[/]\x07"},
}


def _changed(name: str, role: Role) -> Role:
    return role._replace(**_CHANGES.get((name, role.name), {}))  # type: ignore[arg-type]


def _train(index: int, this: Machine, base: int) -> list[Role]:
    ranks = max(1, len(this.gpus))
    on = (ranks - 1,) if this.name == "gpu-1" else tuple(range(ranks))
    dataset = this.data[0][0] if this.data else "hex8_2p"
    epochs = 5.0 if this.name == "gpu-1" else 20.0 + 31 * fraction(index, "epoch")
    return [
        Role(
            name="train",
            preset="train",
            command=("torchrun", f"--nproc-per-node={len(on)}", "-m", "workers.training",
                     "--data", f"data/selfplay/{dataset}", "--epochs", "100"),
            unit="epoch",
            per_minute=1.58 if this.name == "gpu-1" else 0.2 + 0.2 * fraction(index, "speed"),
            done=float(int(epochs)),
            total=100.0,
            phase="train",
            cpu_percent=min(this.load, 1.0) * this.cores * 70.0 / ranks * len(on),
            memory_bytes=11 * GIB * len(on),
            gpu_memory_bytes=this.gpus[0].memory_bytes * 9 // 10 * len(on) if this.gpus else None,
            gpu_indices=on,
            pid=base,
            processes=1 + len(on),
            age_s=epochs * 180.0,
            singleton=f"train-{dataset}",
            flags=("adopted",) if this.name == "lambda-3" else (),
            restart="never",
        )
    ]  # fmt: skip


def _gauntlet(base: int) -> Role:
    return Role(
        name="gauntlet",
        preset="gauntlet",
        command=("python", "-m", "workers.evaluation", "gauntlet", "--a", "best", "--b", "latest", "--games", "400"),
        unit="match", per_minute=2.2, done=213.0, total=400.0, phase="play",
        cpu_percent=214.0, memory_bytes=6 * GIB, gpu_memory_bytes=9 * GIB, gpu_indices=(0,),
        pid=base, processes=3, age_s=97 * MINUTE_S, restart="never",
    )  # fmt: skip


# ------------------------------------------------------------ what went before


def _of_name(name: str, base: int) -> tuple[Role, ...]:
    ended = _ENDED.get(name)
    return ended(base) if ended else ()


def _over(name: str, course: Course, base: int, since_s: float, **more: object) -> Role:
    role = Role(
        name=name, preset=name.partition("-")[0], command=("python", "-m", f"workers.{name.partition('-')[0]}"),
        course=course, unit="shard", phase="", since_s=since_s, age_s=since_s + 900.0,
        pid=base + 300, restart="never",
    )  # fmt: skip
    return role._replace(**more)  # type: ignore[arg-type]


_ENDED: dict[str, Callable[[int], tuple[Role, ...]]] = {
    "home": lambda base: (
        _over("gauntlet", Course.STOPPED, base + 1, 5 * HOUR_S, unit="match", done=96.0, total=400.0),
    ),
    "gpu-2": lambda base: (_over("train", Course.CONFIGURATION, base, 3.2 * HOUR_S, unit="epoch"),),
    "cpu-2": lambda base: (
        _over("openings", Course.REBOOT, base, 2.2 * DAY_S, preset="selfplay",
              done=4_112.0, unit="game", restart="on-failure"),
    ),
    "cpu-3": lambda base: (
        _over("train-hexagonal", Course.OUT_OF_MEMORY, base, 26 * MINUTE_S, unit="epoch", done=3.0, total=40.0),
    ),
}  # fmt: skip
