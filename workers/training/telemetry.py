"""What is said while it trains: status, curves as lines and as TensorBoard events."""

import time
from pathlib import Path
from typing import Any

from workers import contract
from workers.harness import Worker
from workers.training.losses import Losses
from workers.training.ranks import Ranks


class Telemetry:
    """Rank 0 speaks, for all ranks. The network's whole curve is in ``metrics.jsonl`` beside its
    checkpoints; the run's own goes where the contract says, too."""

    def __init__(self, worker: Worker, folder: Path, ranks: Ranks, tensorboard: bool) -> None:
        self._worker, self._ranks = worker, ranks
        leads = self._leads = ranks.leads
        own = {contract.METRICS: str(folder / "metrics.jsonl")} if leads else {}
        self._curve = contract.Reporter(own)
        self._events = _event_writer(folder, worker) if leads and tensorboard else None
        self._sums = {
            "loss/policy": 0.0,
            "loss/value": 0.0,
            "loss/total": 0.0,
            "gradient/norm": 0.0,
        }
        self._steps = self._samples = 0
        self._since = time.monotonic()

    def count(self, losses: Losses, norm: float, samples: int) -> None:
        """One step's, to be averaged."""
        parts = (losses.policy, losses.value, losses.total)
        for name, value in zip(
            self._sums, (*(float(part.detach()) for part in parts), norm), strict=True
        ):
            self._sums[name] += value
        self._steps += 1
        self._samples += samples

    def report(self, step: int, total: int | None, **more: float) -> None:
        """The means since the last report, as points at ``step`` and as the status's message."""
        if not self._steps:
            return
        elapsed_s = max(1e-9, time.monotonic() - self._since)
        shared = self._ranks.mean([value / self._steps for value in self._sums.values()])
        means = dict(zip(self._sums, shared, strict=True))
        rate = {"speed/samples_per_s": self._samples / elapsed_s}
        self.points(step, {**means, **rate, **more})
        self.say(
            phase="train",
            done=step,
            total=total,
            rate_per_minute=60 * self._steps / elapsed_s,
            message=f"policy {means['loss/policy']:.3f} value {means['loss/value']:.3f}",
            blocked_because=None,
            samples_per_s=round(self._samples / elapsed_s, 1),
        )
        self._sums = dict.fromkeys(self._sums, 0.0)
        self._steps = self._samples = 0
        self.restart_clock()

    def restart_clock(self) -> None:
        """What was waited until now is no part of the rate."""
        self._since = time.monotonic()

    def points(self, step: int, values: dict[str, float]) -> None:
        """Raises OSError where the disk refuses."""
        if not self._leads:
            return
        for name, value in values.items():
            self._worker.metric(name, value, step)
            self._curve.metric(name, value, step)
            if self._events is not None:
                self._events.add_scalar(name, value, step)

    def say(self, **words: Any) -> None:
        if self._leads:
            self._worker.say(**words)

    def log(self, text: str) -> None:
        if self._leads:
            self._worker.log(text)

    def close(self) -> None:
        if self._events is not None:
            self._events.close()


def _event_writer(folder: Path, worker: Worker) -> Any:
    """None, and a word about it, where tensorboardX is not installed."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        worker.log("no TensorBoard events: tensorboardX is not installed")
        return None
    started = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    return SummaryWriter(str(folder / "tensorboard" / started), flush_secs=10)
