"""Counting 10,000 JSONL files, cold and warm, beside ``wc -l``.

Cold: the counter remembers nothing. Both sides find the files in the page cache, so what is compared is
the work and not the disk. The runs take turns; each figure is its fastest turn, because other work on the
machine only ever adds.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from workers.agent.data import DatasetCounter
from workers.protocol import DatasetWatch

from .table import Row, render, seconds, times, verdict

FILES = 10_000
COLD_TURNS = 14
TURNS = 5
COLD_RATIO = 0.7  # of wc's speed, at least
WARM_S = 0.2  # at most
PATTERN = "games/**/*.jsonl"
Taken = dict[str, list[tuple[float, float]]]
Leg = tuple[str, Callable[[], int | None]]
WATCHES = (DatasetWatch("games", (PATTERN,), "lines"),)


def run() -> list[Row]:
    """Measures and cleans up after itself. Needs half a gigabyte in the temporary directory."""
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as name:
        root = Path(name)
        records, size = _write(root)
        time.sleep(2.1)  # files younger than a clock tick are looked at twice
        return _rows(root, records, size)


def _rows(root: Path, records: int, size: int) -> list[Row]:
    files = f"{FILES:,} files, {size / 1e6:.0f} MB"
    taken: Taken = {name: [] for name in ("cold", "warm", "wc", "cat", "start", "add")}
    for turn in range(COLD_TURNS):
        legs: list[Leg] = [
            ("wc", partial(_shell, root, _WC)),
            ("cold", partial(_count, _counter(root))),
        ]
        for name, work in legs if turn % 2 else legs[::-1]:  # who comes first warms the caches
            taken[name].append(_timed(work, records))
    for _ in range(TURNS):
        records = _warm_turn(root, records, taken)
    best = {name: min(values)[0] for name, values in taken.items()}
    against_wc = best["wc"] / best["cold"]
    return [
        Row(
            f"cold count, {files}",
            seconds(best["cold"]),
            f"{seconds(best['wc'])} wc -l",
            times(against_wc),
            f"≥ {COLD_RATIO} × its speed",
            verdict(against_wc >= COLD_RATIO),
            f"wc -l --files0-from; page cache warm for both; fastest of {COLD_TURNS} turns each, taking the lead in turn; "
            f"ours {_spread(taken['cold'])}, {_cpu_of(taken['cold'])} on one core; "
            f"find | wc {_spread(taken['wc'])}, {_cpu_of(taken['wc'])} on two",
        ),
        Row(
            "the same, beside cat",
            seconds(best["cold"]),
            f"{seconds(best['cat'])} cat | wc -l",
            times(best["cat"] / best["cold"]),
        ),
        Row(
            "warm recount, nothing changed",
            seconds(best["warm"]),
            f"{seconds(best['wc'])} wc -l",
            times(best["wc"] / best["warm"]),
            f"≤ {seconds(WARM_S)}",
            verdict(best["warm"] <= WARM_S),
            f"spread {_spread(taken['warm'])}",
        ),
        Row(
            "first count of a new agent with the cache of the last",
            seconds(best["start"]),
            f"{seconds(best['wc'])} wc -l",
            times(best["wc"] / best["start"]),
        ),
        Row(
            "recount after 100 files grew",
            seconds(best["add"]),
            f"{seconds(best['wc'])} wc -l",
            times(best["wc"] / best["add"]),
        ),
    ]


def _warm_turn(root: Path, records: int, taken: Taken) -> int:
    """A counter that counted, its heir, and new records. Gives the records there are afterwards."""
    counter = _counter(root)
    _count(counter)
    taken["cat"].append(_timed(partial(_shell, root, _CAT), records))
    taken["warm"].append(_timed(partial(_count, counter), records))
    counter.close()
    taken["start"].append(_timed(partial(_first_count, root), records))
    records += _append(root)
    taken["add"].append(_timed(partial(_count, counter), records))
    shutil.rmtree(root / "state")
    return records


_WC = "find games -name '*.jsonl' -type f -print0 | wc -l --files0-from=- | tail -n 1"
_CAT = "find games -name '*.jsonl' -type f -print0 | xargs -0 cat | wc -l"


def _write(root: Path) -> tuple[int, int]:
    """Game records of 120 to 400 bytes, 50 to 250 a file, in 20 directories. Records and bytes."""
    pick = random.Random(1)
    pool = [
        b'{"id": "%032x", "moves": "%s"}\n' % (i, b"7" * pick.randint(70, 350)) for i in range(500)
    ]
    records = size = 0
    for number in range(FILES):
        folder = root / "games" / f"w{number % 20:02}"
        folder.mkdir(parents=True, exist_ok=True)
        lines = pick.choices(pool, k=pick.randint(50, 250))
        content = b"".join(lines)
        (folder / f"{number:05}.jsonl").write_bytes(content)
        records += len(lines)
        size += len(content)
    return records, size


def _append(root: Path) -> int:
    """Two records to each of 100 files."""
    paths = [root / "games" / f"w{n % 20:02}" / f"{n:05}.jsonl" for n in range(100)]
    for path in paths:
        with path.open("ab") as file:
            file.write(b'{"id": "a"}\n{"id": "b"}\n')
    return 2 * len(paths)


def _counter(root: Path) -> DatasetCounter:
    counter = DatasetCounter(str(root / "state"))
    counter.configure(str(root), WATCHES)
    return counter


def _count(counter: DatasetCounter) -> int | None:
    return counter.count(lambda: False).counts[0].records


def _first_count(root: Path) -> int | None:
    return _count(_counter(root))


def _shell(root: Path, line: str) -> int:
    answer = subprocess.run(["/bin/sh", "-c", line], cwd=root, capture_output=True, check=True)
    return int(answer.stdout.split()[0])


def _timed(work: Callable[[], int | None], expected: int) -> tuple[float, float]:
    """Elapsed seconds, and seconds of CPU, children's included. A wrong result is no result."""
    start, cpu = time.perf_counter(), _cpu()
    found = work()
    taken = time.perf_counter() - start, _cpu() - cpu
    if found != expected:
        raise RuntimeError(f"counted {found}, there are {expected}")
    return taken


def _cpu() -> float:
    return sum(os.times()[:4])


def _spread(values: list[tuple[float, float]]) -> str:
    elapsed = [value[0] for value in values]
    return f"{seconds(min(elapsed))} to {seconds(max(elapsed))}"


def _cpu_of(values: list[tuple[float, float]]) -> str:
    return f"{seconds(min(value[1] for value in values))} of CPU"


if __name__ == "__main__":
    print(render("Data counts", run()))
