"""Run directories for tests, and small programs that use them in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.agents import ROOT
from workers.protocol import RestartRule, SecretReference, Variable, WorkerSpec
from workers.supervisor.paths import RunPaths
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs

RUN_ID = "0f" * 16
SPEC = WorkerSpec(
    RUN_ID,
    "train-1",
    ("python3", "train.py", "--title", "ü “x”\n"),
    environment=(Variable("A", "b"),),
    secrets=(SecretReference("KEY", "env", "KEY"),),
    restart=RestartRule("on-failure"),
    by="ada@desk",
)


def runs_in(folder: Path) -> Runs:
    """The runs of a node whose state directory is `folder`."""
    return Runs(str(folder / "nodes" / "key"))


def seen_afresh(run: Run) -> Run:
    """The same run for a process that has read nothing yet."""
    return Run(RunPaths(run.paths.folder))


def finish(run: Run, code: int = 0, **fields: Any) -> Run:
    """One attempt that ran and ended, by its history."""
    run.append("intent", attempt=1)
    run.append("started", attempt=1, pid=2**22 + 1, ticks=1)
    run.append("exited", attempt=1, code=code, **fields)
    run.append("finished")
    return run


def python(
    code: str, *arguments: object, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs `code` in a fresh interpreter that finds the node side, below the command `prefix`."""
    return subprocess.run(
        [*prefix, *program(code, *arguments)], cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


def program(code: str, *arguments: object) -> list[str]:
    head = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    return [sys.executable, "-I", "-S", "-B", "-c", head + code, *map(str, arguments)]
