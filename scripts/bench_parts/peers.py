"""Peers of the self-play benchmark, in an environment of their own, and runs that take turns on one core."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-bench"
PACKAGES = ("jax[cpu]==0.10.2", "pgx==2.6.0", "mctx==0.0.71", "open_spiel==2.0.2")
ROUNDS = 2
_CORE = max(os.sched_getaffinity(0))
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}


class Measured(NamedTuple):
    """Work a CPU-second, a figure each round."""

    rates: tuple[float, ...]

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    def text(self, unit: str, digits: int = 1) -> str:
        """`36.1 games/s (35.2 to 37.0)`."""
        low, high = min(self.rates), max(self.rates)
        return f"{self.rate:,.{digits}f} {unit} ({low:,.{digits}f} to {high:,.{digits}f})"


Program = Sequence[str | Path]
"""Prints as its last line a JSON object with `work` and `cpu_s`."""


def ours(module: str, *words: str) -> Program:
    return (sys.executable, "-m", f"scripts.bench_parts.{module}", *words)


def theirs(module: str, *words: str) -> Program:
    """Run by the peers' environment, which is made at the first call."""
    return (prepare(), ROOT / "scripts" / "bench_parts" / f"{module}.py", *words)


def prepare() -> Path:
    """The interpreter of `.venv-bench`; the peers are installed for benchmarks only."""
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / ".prepared"
    wanted = "\n".join(PACKAGES)
    if not stamp.exists() or stamp.read_text() != wanted:
        print("installing the peers into .venv-bench …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES]
        done = subprocess.run(pip, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"the peers cannot be installed: {done.stderr.strip()[-2000:]}")
        stamp.write_text(wanted)
    return python


def interleaved(programs: dict[str, Program], rounds: int = ROUNDS) -> dict[str, Measured]:
    """Each program once a round, one after the other, pinned to one core. Raises CalledProcessError."""
    rates: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            found = _run(program)
            rates[name].append(found["work"] / found["cpu_s"])
    return {name: Measured(tuple(found)) for name, found in rates.items()}


def best_of(program: Callable[[str], Program], sizes: Sequence[int]) -> tuple[Program, int]:
    """The batch size with the highest rate, looked for in one short run each."""
    rates = {size: _run((*program(str(size)), "--short")) for size in sizes}
    best = max(sizes, key=lambda size: rates[size]["work"] / rates[size]["cpu_s"])
    return program(str(best)), best


def _run(program: Program) -> dict[str, Any]:
    done = subprocess.run(
        ["taskset", "-c", str(_CORE), *map(str, program)],
        cwd=ROOT,
        env={**os.environ, **_ONE_THREAD},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
