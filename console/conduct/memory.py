"""What the schedule remembers from life to life: up to when each job has been dealt with, and its last run."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from console.settings.places import places

SCHEMA = 1
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Kept:
    """Of one job. ``schedule`` as it was then, ``seen`` up to when its times are dealt with; ``due`` the time that is to be run still, None
    where there is none; ``run`` the last one that it began, ``began`` when; ``said`` what came of that.
    Seconds since the epoch."""

    schedule: str
    seen: float
    due: float | None = None
    run: str = ""
    began: float | None = None
    said: str = ""

    def but(self, **fields: Any) -> Kept:
        return replace(self, **fields)


@dataclass(frozen=True)
class Memory:
    """``jobs`` by name. ``damaged``: the file was there and could not be read."""

    jobs: Mapping[str, Kept] = field(default_factory=dict)
    damaged: str = ""


def place(environ: Mapping[str, str] = os.environ) -> Path:
    """Where it lies."""
    return places(environ).console_state / "schedule.json"


def read(path: Path) -> Memory:
    """Never raises: a schedule without a memory begins anew, and says so."""
    try:
        with path.open("rb") as file:
            body = json.loads(file.read(_MAX_BYTES))
        jobs = {str(name): _kept(each) for name, each in body["jobs"].items()}
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return Memory(damaged=f"{path}: {error}")
    return Memory(jobs)


def write(path: Path, jobs: Mapping[str, Kept]) -> None:
    """Replaces the file whole, and on the disk. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".schedule-")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump({"schema": SCHEMA, "jobs": {k: asdict(v) for k, v in jobs.items()}}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
        _sync(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _kept(body: Mapping[str, Any]) -> Kept:
    due, began = body["due"], body["began"]
    return Kept(
        str(body["schedule"]),
        float(body["seen"]),
        None if due is None else float(due),
        str(body["run"]),
        None if began is None else float(began),
        str(body["said"]),
    )
