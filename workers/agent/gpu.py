"""GPU readings for the agent, from a child with a deadline.

NVML calls are known to hang in the kernel for good, so they are made in a child process that the
agent asks and never waits for. Without a driver library no child is started at all.
"""

import os
import select
import time
from typing import Dict, List, Optional

from workers.agent.age import age
from workers.agent.gpu_child import GpuChild, reap, source_root
from workers.agent.gpu_driver import library_folder
from workers.protocol import Gpu, GpuReport

_LATE_S = 3.0  # without an answer, the readings are no longer shown
_START_S = 30.0  # a first answer may take long: drivers load firmware
_SOON_S = 0.4  # an answer younger than this is not asked for again
_RETRY_S = 15.0
_LONGEST_RETRY_S = 600.0
_NO_DRIVER_S = 60.0
_LOST_S = 300.0
_MOST_STUCK = 2  # killed children that the kernel has not let go


class GpuReader:
    """``poll()`` returns the newest report at once; see ``GpuReport`` for its meaning.

    ``source`` is the bundle or folder the child loads its code from. A silent child is replaced
    after ``give_up_s``, with growing pauses, and never by more than two at a time.
    """

    def __init__(
        self,
        source: Optional[str] = None,
        *,
        late_s: float = _LATE_S,
        give_up_s: float = _START_S,
        retry_s: float = _RETRY_S,
    ) -> None:
        self._source = source or source_root()
        self._late_s = late_s
        self._give_up_s = give_up_s
        self._first_retry_s = self._retry_s = retry_s
        self._child: Optional[GpuChild] = None
        self._stuck: List[int] = []
        self._next_start = self._started_at = 0.0
        self._nothing_to_ask = False
        self._asked_at: Optional[float] = None
        self._silent_since: Optional[float] = None
        self._answered_at: Optional[float] = None
        self._report = GpuReport()
        self._seen: Dict[str, Gpu] = {}

    def poll(self, wait_s: float = 0.0) -> GpuReport:
        """The newest report; ``wait_s`` is how long it may wait for one that is on its way."""
        now = time.monotonic()
        self._stuck = [pid for pid in self._stuck if reap(pid) is None]
        if self._child is None and now >= self._next_start:
            self._start(now)
        if self._child is not None:
            self._receive()
            self._ask(now)
            if wait_s > 0 and self._asked_at is not None:
                self._wait(wait_s)
                self._receive()
            self._give_up_if_silent(now)
        return self._present(time.monotonic())

    def close(self) -> None:
        """Ends the child; does not wait for one that hangs."""
        if self._child is not None:
            self._drop()

    # ------------------------------------------------------------ the child

    def _start(self, now: float) -> None:
        folder = library_folder()
        if folder is None or not hasattr(os, "posix_spawn"):
            self._next_start = now + _NO_DRIVER_S
            return
        if len(self._stuck) >= _MOST_STUCK:
            return
        try:
            self._child = GpuChild(self._source, folder)
        except OSError as error:
            self._fail(f"the GPU reader cannot be started: {error}", now)
            return
        self._asked_at, self._started_at, self._nothing_to_ask = None, now, False

    def _ask(self, now: float) -> None:
        recent = self._answered_at is not None and now - self._answered_at < _SOON_S
        if self._asked_at is not None or recent or self._nothing_to_ask:
            return
        if self._child is not None and self._child.ask():
            self._asked_at = now
            if self._silent_since is None:
                self._silent_since = now

    def _wait(self, seconds: float) -> None:
        if self._child is not None:
            poller = select.poll()
            poller.register(self._child.answers, select.POLLIN)
            poller.poll(seconds * 1000.0)

    def _receive(self) -> None:
        if self._child is None:
            return
        reports, ended = self._child.receive()
        now = time.monotonic()
        for report in reports:
            # The answer may have lain in the pipe: it is as old as its question.
            self._report, self._answered_at = report, self._asked_at or now
            self._nothing_to_ask = report.driver is None
            self._asked_at = self._silent_since = None
            self._retry_s = self._first_retry_s
            self._seen.update((gpu.uuid, gpu) for gpu in report.gpus if gpu.uuid)
        if ended:
            self._ended(now)
        elif any(gpu.lost for gpu in self._report.gpus) and now - self._started_at > _LOST_S:
            # NVML finds a GPU that came back only when it is initialised anew.
            self._drop()

    def _ended(self, now: float) -> None:
        """The child ended by itself: there is nothing to ask, or it crashed."""
        self._drop()
        if self._nothing_to_ask:
            self._next_start = now + _NO_DRIVER_S
        else:
            self._fail("the GPU reader crashed inside the driver's library", now)

    def _give_up_if_silent(self, now: float) -> None:
        if self._asked_at is not None and now - self._asked_at > self._give_up_s:
            self._drop()
            self._pause(now)

    def _drop(self) -> None:
        if self._child is not None:
            self._child.kill()
            if reap(self._child.pid) is None:
                self._stuck.append(self._child.pid)
        self._child = self._asked_at = None

    def _fail(self, fault: str, now: float) -> None:
        self._report, self._answered_at = GpuReport(fault=fault), None
        self._silent_since = None
        self._pause(now)

    def _pause(self, now: float) -> None:
        self._next_start = now + self._retry_s
        self._retry_s = min(_LONGEST_RETRY_S, 2 * self._retry_s)

    # ------------------------------------------------------------ the report

    def _present(self, now: float) -> GpuReport:
        age_s = None if self._answered_at is None else now - self._answered_at
        if self._silent_since is not None and now - self._silent_since >= self._late_s:
            # From the last answer on, because what came before the silence proves nothing now.
            silent_s = now - (self._answered_at or self._silent_since)
            fault = f"GPU driver not answering since {age(silent_s)}"
            gpus = tuple(_known(gpu, "not answering") for gpu in self._report.gpus)
            return GpuReport(gpus, self._report.driver, fault, age_s)
        return self._with_vanished()._replace(age_s=age_s)

    def _with_vanished(self) -> GpuReport:
        """A GPU that was listed before and is not any more is lost, not forgotten."""
        report = self._report
        listed = {gpu.uuid for gpu in report.gpus}
        # One that is lost from the start has no name to be told by: its place stands for it.
        places = {gpu.gpu_index for gpu in report.gpus if not gpu.uuid}
        gone = [
            _known(gpu, "no reading")
            if report.fault
            else _known(gpu, "lost: the driver lists it no more")._replace(lost=True)
            for uuid, gpu in self._seen.items()
            if uuid not in listed and gpu.gpu_index not in places
        ]
        return report._replace(gpus=report.gpus + tuple(gone)) if gone else report


def _known(gpu: Gpu, fault: str) -> Gpu:
    """The GPU with what does not change; every reading is gone."""
    return Gpu(
        gpu_index=gpu.gpu_index,
        uuid=gpu.uuid,
        name=gpu.name,
        fault=fault,
        lost=gpu.lost,
        memory_total_bytes=gpu.memory_total_bytes,
        power_limit_w=gpu.power_limit_w,
    )
