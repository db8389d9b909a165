"""Launch to the first live data, in a real terminal: this machine, 2 and 40 SSH nodes, glances beside them."""

from __future__ import annotations

import re
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.bench_parts.table import Row, seconds, times, verdict
from tests.e2e.conftest import clean_environment
from tests.loopback import LoopbackFleet, unavailable
from tests.terminal import Terminal

ROUNDS = 5
WHERE = "sshd in namespaces on this machine: their handshakes and agents share its cores"


def run() -> list[Row]:
    rows = [_local()]
    reason = unavailable()
    if reason:
        return [*rows, Row("SSH nodes", verdict="skipped", note=reason)]
    for count, target_s in ((2, 1.0), (40, 3.0)):
        with LoopbackFleet(count) as fleet, home() as folder:
            first = _launch(ssh_argv(fleet), folder, _all_up(count))
            again = [_launch(ssh_argv(fleet), folder, _all_up(count)) for _ in range(ROUNDS - 2)]
        rows.append(_ssh_row(count, first, again, target_s))
    return rows


def _ssh_row(count: int, first: float, again: list[float], target_s: float) -> Row:
    middle = statistics.median(again)
    note = f"{WHERE}; the very first launch, which also sends the agent: {seconds(first)}"
    return Row(
        f"launch → {count} SSH nodes all live",
        f"{seconds(middle)} (worst {seconds(max(again))})",
        target=f"≤ {seconds(target_s)}",
        verdict=verdict(middle <= target_s),
        note=note,
    )


def _local() -> Row:
    with home() as folder:
        ours = [_launch(quarterdeck(), folder, _local_data) for _ in range(ROUNDS)]
        glances = Path(sys.executable).with_name("glances")
        peer = (
            [_launch([str(glances)], folder, lambda text: "CPU" in text) for _ in range(3)]
            if glances.exists()
            else []
        )
    middle = statistics.median(ours)
    return Row(
        "launch → first local data on the screen",
        f"{seconds(middle)} (worst {seconds(max(ours))})",
        f"{seconds(statistics.median(peer))} glances' first paint" if peer else "",
        times(middle / statistics.median(peer)) if peer else "",
        "≤ 1.00 s",
        verdict(middle <= 1.0),
    )


def quarterdeck(*arguments: str) -> list[str]:
    """The console as it is started by hand."""
    return [sys.executable, "-m", "console", *arguments]


def ssh_argv(fleet: LoopbackFleet) -> list[str]:
    return quarterdeck("--config", str(fleet.settings))


@contextmanager
def home() -> Iterator[Path]:
    """An empty home directory, so that nothing of the real account matters."""
    folder = Path(tempfile.mkdtemp(prefix="qd-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _launch(argv: Sequence[str], folder: Path, live: object) -> float:
    with Terminal(argv, 200, 60, clean_environment(folder)) as terminal:
        return terminal.wait_for(live, 60)  # type: ignore[arg-type]


def _all_up(count: int) -> object:
    return lambda text: f"{count}/{count}" in text


def _local_data(text: str) -> bool:
    return "local" in text and re.search(r"\d %", text) is not None
