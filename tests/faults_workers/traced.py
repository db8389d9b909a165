"""kill -9 at the n-th call of a kind: which calls a story makes, and the story told with the killer behind it."""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.processes import stop_all

STRACE = shutil.which("strace") or ""
# What writes state, makes processes, or signals them. Each is counted by itself, in each process by itself.
CALLS = (
    "fsync", "rename", "openat", "mkdir", "unlink", "pwrite64", "write", "ftruncate", "fallocate",
    "clone", "clone3", "vfork", "execve", "flock", "kill", "pidfd_send_signal",
)  # fmt: skip
_LINE = re.compile(r"^(\d+) +([a-z0-9_]+)\((.*)")


class Step(NamedTuple):
    """The n-th call of this kind."""

    call: str
    number: int

    def __str__(self) -> str:
        return f"{self.call} {self.number}"

    def killer(self, trace: Path) -> list[str]:
        """A command before the one that dies there, children included."""
        inject = f"inject={self.call}:signal=SIGKILL:when={self.number}"
        return _strace(trace, f"trace={self.call}", "-e", inject)


def recorder(trace: Path) -> list[str]:
    """A command before the one whose calls are written to `trace`."""
    return _strace(trace, f"trace={','.join(CALLS)}")


def steps_of(trace: Path) -> list[Step]:
    """Every step that any process of the story took; reading calls are none."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    found: set[Step] = set()
    for line in trace.read_text(errors="replace").splitlines():
        if not (match := _LINE.match(line)):
            continue
        pid, call, rest = match.groups()
        counts[pid, call] += 1
        if call != "openat" or "O_CREAT" in rest:
            found.add(Step(call, counts[pid, call]))
    return sorted(found, key=lambda step: (CALLS.index(step.call), step.number))


def sample(steps: list[Step], count: int) -> list[Step]:
    """So many of them, evenly over all."""
    if len(steps) <= count:
        return steps
    return [steps[(2 * place + 1) * len(steps) // (2 * count)] for place in range(count)]


def has_killed(trace: Path) -> bool:
    """Whether the step was reached."""
    return "+++ killed by SIGKILL +++" in trace.read_text(errors="replace")


def end_tracer(trace: Path) -> None:
    """Ends the strace that writes to `trace`, all of which is written then; what it traced goes on alone."""
    for pid in _tracers(trace):
        stop_all([pid])


def _tracers(trace: Path) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == STRACE.encode() and os.fsencode(trace) in words:
            yield int(entry.name)


def _strace(output: Path, trace: str, *more: str) -> list[str]:
    # -I1: it may be ended. -D: the traced program is our child, and the tracer somebody else's. No --seccomp-bpf: its filter would
    # outlive the tracer and fail every call that nobody traces any more.
    return [STRACE, "-I1", "-D", "-f", "-q", "-o", str(output), "-e", trace, *more]
