"""The console's CPU, and how soon a key is seen, under load: 40 real nodes, 100 and 1,000 simulated ones."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.bench_parts.launch import home, ssh_argv
from scripts.bench_parts.table import Row, seconds, verdict
from tests.e2e.conftest import clean_environment
from tests.loopback import LoopbackFleet, unavailable
from tests.terminal import Terminal

WINDOW_S = 20.0
KEYS = 100
SIMULATED = (
    "nodes simulated by a second process on unix sockets: real sessions, frames, store and screen"
)


def run() -> list[Row]:
    rows: list[Row] = []
    reason = unavailable()
    if reason:
        rows.append(Row("console at 40 SSH nodes", verdict="skipped", note=reason))
    else:
        with LoopbackFleet(40) as fleet:
            rows += _measure("40 SSH nodes", 40, ssh_argv(fleet), 10.0, "real sshd and agents")
    for count, most_percent in ((100, 10.0), (1000, 100.0)):
        with simulator() as socket:
            argv = [
                sys.executable,
                "-m",
                "scripts.bench_parts.simulated_console",
                socket,
                str(count),
            ]
            rows += _measure(f"{count:,} simulated nodes", count, argv, most_percent, SIMULATED)
    return rows


@contextmanager
def simulator() -> Iterator[str]:
    """The path of the socket behind which simulated nodes answer."""
    with tempfile.TemporaryDirectory(prefix="qd-sim-") as folder:
        path = str(Path(folder) / "nodes")
        argv = [sys.executable, "-m", "scripts.bench_parts.simulator", path]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                yield path
            finally:
                process.terminate()


def _measure(
    what: str, count: int, argv: Sequence[str], most_percent: float, note: str
) -> list[Row]:
    with home() as folder, Terminal(argv, 200, 60, clean_environment(folder)) as terminal:
        live_s = terminal.wait_for(f"{count}/{count}", 120)
        _settle(terminal, 5.0)
        cpu, started = terminal.cpu_s(), time.monotonic()
        _settle(terminal, WINDOW_S)
        percent = 100 * (terminal.cpu_s() - cpu) / (time.monotonic() - started)
        if _cursor_row(terminal) < 0:  # panes: the table marks the cursor's row
            terminal.send("v")
            terminal.wait_for(lambda _: _cursor_row(terminal) >= 0, 10)
        delays = sorted(_key_to_paint(terminal) for _ in range(KEYS))
    median, worst = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    return [
        Row(
            f"console CPU, {what} × 1 Hz, 200×60",
            f"{percent:.1f} % of a core",
            target=f"≤ {most_percent:.0f} %",
            verdict=verdict(percent <= most_percent),
            note=f"{note}; all live after {seconds(live_s)}",
        ),
        Row(
            f"key to paint, {what}",
            f"p50 {seconds(median)}, p99 {seconds(worst)}",
            target="p99 ≤ 100 ms",
            verdict=verdict(worst <= 0.1),
            note=f"{KEYS} keys, each from its write to the pty to the cursor seen on another row",
        ),
    ]


def _settle(terminal: Terminal, duration_s: float) -> None:
    end = time.monotonic() + duration_s
    while time.monotonic() < end:
        terminal.pump(0.1)


def _key_to_paint(terminal: Terminal) -> float:
    """Seconds from a cursor key to its effect on the screen."""
    before = _cursor_row(terminal)
    key = "j" if before < 20 else "k"
    # A key at a random point of the second, not right after our own paint.
    _settle(terminal, 0.05 + (time.monotonic() * 7919 % 1) * 0.1)
    before = _cursor_row(terminal)
    started = time.monotonic()
    terminal.send(key)
    while _cursor_row(terminal) == before:
        terminal.pump(0.005)
        if time.monotonic() - started > 5:
            raise AssertionError(f"the cursor did not move within 5 s\n{terminal.text}")
    return time.monotonic() - started


def _cursor_row(terminal: Terminal) -> int:
    """The row that bears the cursor's mark, -1 while there is none."""
    for number, line in enumerate(terminal.screen.display):
        if line.startswith("▌"):
            return number
    return -1
