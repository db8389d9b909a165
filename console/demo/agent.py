"""A scripted agent: it speaks the protocol as the one on a node does, and remembers what was done to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from console.channels.channel import Channel
from console.demo import facts, ledger
from console.demo.explanation import explain
from console.demo.machines import MACHINES, Trouble, machine
from console.demo.processes import Script, details, measured, scripts
from console.demo.time import DemoTime
from console.demo.workers.company import DemoWorkers
from console.demo.workers.run import Moment
from console.demo.workers.tails import Tails
from workers.protocol import (
    CONSOLE_MESSAGES,
    AdoptProcess,
    ClearOrphan,
    CommandWorker,
    Configure,
    CountNow,
    DescribeProcess,
    ExplainDisk,
    Failure,
    ForgetWorker,
    FrameDecoder,
    ListFiles,
    ListProcesses,
    Process,
    ProcessIdentity,
    ProcessTable,
    ReadManifest,
    SignalOutcome,
    SignalProcess,
    StartWorker,
    WatchWorkers,
    decode_message,
    encode_message,
)

_SILENT_EVERY_S, _SILENT_FOR_S = 60.0, 9.0
_COUNT_EVERY_S = 5.0
_WORKERS_EVERY_S, _WORKERS_RARELY_S = 2.0, 10.0  # of the catalogue's machines, of all others
_CHANGES = (StartWorker, CommandWorker, ForgetWorker, AdoptProcess, ClearOrphan)


class DemoNode:
    """One machine of the demo. It outlives its links, so what was killed stays dead after a reconnect."""

    def __init__(self, index: int, time: DemoTime, fleet: int = len(MACHINES)) -> None:
        """`fleet`: how many machines there are."""
        self.index = index
        self.machine = machine(index)
        self.gone: frozenset[int] = frozenset()
        self.stopped: frozenset[int] = frozenset()
        self._time = time
        self.workers = DemoWorkers(index, self.moment)
        self._answers: dict[type, Callable[[Any], Any]] = {
            ListProcesses: self._list,
            DescribeProcess: self._describe,
            SignalProcess: self._signal,
            ExplainDisk: lambda ask: explain(self.index, ask.path),
            CountNow: lambda _: self.datasets(),
            ListFiles: lambda ask: ledger.listing(self.index, ask, time.t, time.epoch),
            ReadManifest: lambda ask: ledger.manifest(ask, fleet, time.t, time.epoch),
            **self.workers.answers,
        }

    # ------------------------------------------------------------ facts

    def sample(self, configure: Configure, sequence: int) -> Any:
        return facts.sample(
            self.index,
            self._time.t,
            self._time.epoch,
            sequence=sequence,
            top=configure.top,
            full=configure.interest == "full",
            gone=self.gone,
        )

    def datasets(self) -> Any:
        return facts.datasets(self.index, self._time.t, self._time.epoch)

    def moment(self, t: float | None = None) -> Moment:
        """Now, or another time of the demo, by this machine's clock."""
        then = self._time.t if t is None else t
        epoch = facts.wall(self.index, 0.0, self._time.epoch)
        return Moment(then, epoch, self._time.frozen)

    def answer(self, ask: Any) -> Any:
        """The one reply to a request."""
        found = self._answers.get(type(ask))
        return found(ask) if found else Failure("unknown_message", type(ask).__name__)

    # ------------------------------------------------------------ processes

    def _process(self, script: Script) -> Process:
        t = self._time.t
        process = measured(self.index, script, t, facts.wall(self.index, t, self._time.epoch))
        if script.pid in self.stopped:
            return process._replace(state="T", cpu_percent=0.0)
        return process

    def _list(self, ask: ListProcesses) -> ProcessTable:
        alive = [self._process(s) for s in scripts(self.index) if s.pid not in self.gone]
        return ProcessTable(tuple(alive[: ask.limit]), truncated=len(alive) > ask.limit)

    def _found(self, identity: ProcessIdentity) -> Process | None:
        if identity.boot_id != facts.boot_id(self.index):
            return None
        for script in scripts(self.index):
            if script.pid == identity.pid and script.pid not in self.gone:
                process = self._process(script)
                return process if process.start_ticks == identity.start_ticks else None
        return None

    def _describe(self, ask: DescribeProcess) -> Any:
        process = self._found(ask.process)
        return details(process) if process else Failure("gone", "the process has ended")

    def _signal(self, ask: SignalProcess) -> SignalOutcome:
        process = self._found(ask.process)
        if process is None:
            return SignalOutcome(False, "already gone")
        if (process.command.startswith("[") and process.user == "root") or process.pid == 1:
            return SignalOutcome(False, "not permitted")
        if ask.signal == "STOP":
            self.stopped |= {process.pid}
        elif ask.signal == "CONT":
            self.stopped -= {process.pid}
        else:
            self.gone |= {process.pid}
        return SignalOutcome(True, "delivered")

    # ------------------------------------------------------------ the link

    async def serve(self, channel: Channel) -> None:
        """Speaks over `channel` until its far end closes."""
        await _Conversation(self, channel, self._time).run()

    def is_silent(self) -> bool:
        """True while this machine's link hangs, as a link through a bad network does."""
        if self.machine.trouble is not Trouble.STALE_LINK:
            return False
        return self._time.frozen or self._time.t % _SILENT_EVERY_S > (
            _SILENT_EVERY_S - _SILENT_FOR_S
        )


class _Conversation:
    """One link's life: hello, then a heartbeat and a sample each interval, and a reply to each request."""

    def __init__(self, node: DemoNode, channel: Channel, time: DemoTime) -> None:
        self._node = node
        self._channel = channel
        self._time = time
        self._configure = Configure()
        self._sequence = 0
        self._counted_at: float | None = None
        self._told_at: float | None = None
        self._tails = Tails(node.workers, node.moment, channel.write)

    async def run(self) -> None:
        if self._time.frozen and self._node.is_silent():
            while await self._channel.read():
                pass
            return
        index, time = self._node.index, self._time
        await self._channel.write(encode_message(facts.hello(index, time.t, time.epoch)))
        talking = asyncio.create_task(self._talk())
        try:
            await self._listen()
        finally:
            talking.cancel()
            await self._tails.close()
            await asyncio.gather(talking, return_exceptions=True)

    async def _talk(self) -> None:
        index, time = self._node.index, self._time
        # Real machines do not speak all at once: each has its own moment of the interval.
        await asyncio.sleep(
            0.0 if time.frozen else index * 0.618 % 1.0 * self._configure.interval_s
        )
        while True:
            if not self._node.is_silent():
                self._sequence += 1
                beat = facts.heartbeat(index, time.t, time.epoch, self._sequence)
                await self._channel.write(encode_message(beat))
                if not self._time.frozen:  # there, one reading for each time it was asked
                    await self._report()
                    await self._report_workers()
            await asyncio.sleep(self._configure.interval_s)

    async def _report(self) -> None:
        if self._configure.interest == "off":
            return
        sample = self._node.sample(self._configure, self._sequence)
        await self._channel.write(encode_message(sample))
        due = self._counted_at is None or self._time.t - self._counted_at >= _COUNT_EVERY_S
        if due and self._node.machine.data:
            self._counted_at = self._time.t
            await self._channel.write(encode_message(self._node.datasets()))

    async def _report_workers(self, now: bool = False) -> None:
        usual = self._node.index < len(MACHINES)
        every_s = _WORKERS_EVERY_S if usual else _WORKERS_RARELY_S
        if now or self._told_at is None or self._time.t - self._told_at >= every_s:
            self._told_at = self._time.t
            await self._channel.write(encode_message(self._node.workers.report()))

    async def _listen(self) -> None:
        decoder = FrameDecoder()
        while data := await self._channel.read():
            for frame in decoder.feed(data):
                ask = decode_message(frame.payload, CONSOLE_MESSAGES)
                if isinstance(ask, Configure):
                    self._configure = ask
                    await self._report()
                elif isinstance(ask, WatchWorkers):
                    await self._report_workers(now=True)
                elif frame.stream and not self._tails.take(frame.stream, ask):
                    reply = self._node.answer(ask)
                    await self._channel.write(encode_message(reply, frame.stream))
                    if isinstance(ask, _CHANGES):
                        await self._report_workers(now=True)
