"""What fills a disk of a scripted machine."""

from __future__ import annotations

from console.demo.machines import machine
from console.demo.noise import fraction
from workers.protocol import DiskEntry, DiskExplanation, Failure

_DATA = (
    ("selfplay/hex8_2p/20260714", 0.34), ("checkpoints/square19_3p", 0.21), ("selfplay/square8_2p", 0.13),
    ("selfplay/hex8_2p/open", 0.08), ("logs/worker-3.log", 0.06), ("checkpoints/old", 0.05),
    ("datasets/archive.tar.zst", 0.04), ("tmp/core.48113", 0.03), ("lost+found", 0.0),
)  # fmt: skip
_ROOT = (
    ("var/lib/docker/overlay2", 0.38), ("home/mara/.cache/huggingface", 0.19), ("usr/local/cuda-12.6", 0.08),
    ("home/jun/.venv", 0.07), ("usr/lib", 0.06), ("var/log/journal", 0.05), ("swap.img", 0.03),
    ("opt", 0.02),
)  # fmt: skip


def explain(index: int, path: str) -> DiskExplanation | Failure:
    """The largest directories below `path`."""
    volume = next((v for v in machine(index).volumes if v.path == path), None)
    if volume is None:
        return Failure("bad_request", f"{path} is not a disk of this machine")
    used = int(volume.used * volume.total_bytes)
    shares = _ROOT if path == "/" else _DATA
    prefix = path.rstrip("/")
    entries = tuple(
        DiskEntry(
            f"{prefix}/{name}", int(used * share), max(1, int(90_000 * share * fraction(name)))
        )
        for name, share in shares
    )
    return DiskExplanation(
        path=path,
        entries=entries,
        files=sum(entry.files for entry in entries),
        elapsed_s=round(1.2 + 2.9 * fraction(index, path), 1),
        complete=volume.total_bytes < 10**13,
        unreadable=2 if path == "/" else 0,
        deleted_open_bytes=41_000_000_000 if volume.used >= 1.0 else 0,
    )
