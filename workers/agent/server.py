"""The agent's loop: frames in, frames out, samples on a steady beat.

One thread owns the channel and never blocks on anything else: sampling, counting and requests run in
lanes, so a heartbeat goes out whatever hangs. It ends with the channel, or when no console was heard for
``SILENCE_S``.
"""

import os
import select
import time
from typing import Any, Optional

from workers.agent.counting import Counting
from workers.agent.lane import Finished, Lane
from workers.agent.outbox import Outbox
from workers.agent.pace import Pace
from workers.agent.requests import Requests
from workers.agent.workers.beat import WorkerBeat
from workers.agent.workers.late import LateRoom
from workers.machine.boot import boottime
from workers.protocol import (
    CONSOLE_MESSAGES,
    MESSAGE,
    CloseTail,
    Configure,
    CountNow,
    Failure,
    FrameDecoder,
    Heartbeat,
    Hello,
    Notice,
    OpenTail,
    ProtocolError,
    TailCredit,
    UnknownMessage,
    WatchWorkers,
    decode_message,
    encode_message,
)

HEARTBEAT_S = 1.0
SILENCE_S = 60.0
SECOND_SAMPLE_S = 0.25  # rates need two readings: the second comes early
SLOW_SAMPLE_S = 10.0
SHORTEST_INTERVAL_S = 0.1


class Server:
    """Serves one console over two file descriptors. ``sampler`` and ``counter`` do the reading."""

    def __init__(
        self, channel_in: int, channel_out: int, hello: Hello, sampler: Any, counter: Any
    ) -> None:
        if channel_in == channel_out:  # poll() has one entry for each number
            channel_out = os.dup(channel_out)
        self._in = channel_in
        self._outbox = Outbox(channel_out)
        self._channel_out = channel_out
        self._decoder = FrameDecoder()
        self._finished = Finished()
        self._sampler = sampler
        self._sampling = Lane("sampling", self._finished)
        self._sampling_since: Optional[float] = None
        self._samples = 0
        self._told_slow = False
        self._last_fault = ""
        self._counting = Counting(counter, Lane("counting", self._finished), self._outbox.latest)
        self._requests = Requests(sampler, self._sampling, self._finished, self.reply)
        self._requests.state_directory = hello.state_directory
        self._requests.ledger.of_node(hello.node_key, hello.state_directory)
        self._workers = LateRoom(hello.state_directory, hello.node_key, sampler, self._changed)
        self._requests.workers = self._workers
        self._tails: Optional[Any] = None
        self._wanted = Configure()
        self._heartbeats = 0
        self._pace = Pace()
        self._heard: Optional[int] = None
        self._beats = WorkerBeat(
            self._workers.look,
            self._finished,
            self._outbox,
            lambda: self._pace.has_room(self._outbox.latest_bytes),
        )
        now = time.monotonic()
        self._heard_at = self._next_heartbeat = self._next_sample = now
        os.set_blocking(channel_out, False)
        self._outbox.reply(encode_message(hello))

    def run(self) -> str:
        """Serves until the channel ends; gives the reason in words."""
        poll = select.poll()
        poll.register(self._in, select.POLLIN)
        poll.register(self._finished.wake_fd, select.POLLIN)
        poll.register(self._channel_out, 0)
        try:
            while True:
                self._outbox.pump()
                poll.modify(self._channel_out, select.POLLOUT if self._outbox.waiting else 0)
                for descriptor, events in poll.poll(self._pause_ms()):
                    reason = self._ready(descriptor, events)
                    if reason:
                        return reason
                if time.monotonic() - self._heard_at > SILENCE_S:
                    return "no console was heard"
                self._beat()
        except OSError as error:
            return f"the channel broke: {error}"
        except Exception as error:
            self._outbox.latest(
                Notice("error", f"the agent failed: {type(error).__name__}: {error}"[:2000])
            )
            self._outbox.pump()
            raise
        finally:
            self._counting.stop()
            self._workers.close()

    def reply(self, stream: int, message: Any) -> None:
        """Queues the one reply to a request."""
        try:
            frame = encode_message(message, stream)
        except ProtocolError as error:
            frame = encode_message(Failure("failed", f"the answer is too large: {error}"), stream)
        if not self._outbox.reply(frame):
            self._outbox.latest(
                Notice("warning", "answers were dropped: the console reads too slowly")
            )

    # ------------------------------------------------------------ the beat

    def _pause_ms(self) -> int:
        due = min(
            self._next_heartbeat, self._next_sample, self._counting.due_at, self._beats.due_at
        )
        return max(0, int((due - time.monotonic()) * 1000) + 1)

    def _beat(self) -> None:
        now = time.monotonic()
        if now >= self._next_heartbeat:
            self._next_heartbeat = _following(self._next_heartbeat, HEARTBEAT_S, now)
            self._send_heartbeat(now)
        if now >= self._next_sample:
            self._start_sample(now)
        self._counting.start_if_due(now)
        self._beats.start_if_due(now)

    def _send_heartbeat(self, now: float) -> None:
        self._heartbeats += 1
        self._pace.beat(self._heartbeats, self._outbox.latest_bytes)
        if self._tails is not None:
            self._tails.beat(self._heartbeats, self._outbox.bulk_bytes)
        age_s = now - self._heard_at if self._heard is not None else 0.0
        self._outbox.latest(
            Heartbeat(self._heartbeats, time.time(), boottime(), self._heard, age_s)
        )

    def _start_sample(self, now: float) -> None:
        interval = max(SHORTEST_INTERVAL_S, self._wanted.interval_s)
        if self._samples == 0:
            interval = min(interval, SECOND_SAMPLE_S)
        self._next_sample = _following(self._next_sample, interval, now)
        if self._wanted.interest == "off":
            return
        if self._sampling_since is not None:
            self._tell_slow(now - self._sampling_since)
            return
        if not self._pace.has_room(self._outbox.latest_bytes):
            return
        self._samples += 1
        self._sampling_since = now
        self._sampling.submit(self._sampler.sample, self._sampled)

    def _sampled(self, sample: Any, error: Optional[Exception]) -> None:
        self._sampling_since = None
        self._told_slow = False
        if error is not None:
            self._tell_fault(f"no sample: {type(error).__name__}: {error}")
        elif self._wanted.interest != "off":
            self._outbox.latest(sample)

    def _tell_slow(self, age_s: float) -> None:
        if age_s > SLOW_SAMPLE_S and not self._told_slow:
            self._told_slow = True
            self._outbox.latest(Notice("warning", f"a sample takes more than {age_s:.0f} s"))

    def _tell_fault(self, text: str) -> None:
        if text != self._last_fault:
            self._last_fault = text
            self._outbox.latest(Notice("error", text))

    # ------------------------------------------------------------ what arrives

    def _ready(self, descriptor: int, events: int) -> str:
        if descriptor == self._finished.wake_fd:
            self._finished.collect()
        elif descriptor == self._channel_out and events & (select.POLLERR | select.POLLNVAL):
            return "nobody reads any more"
        elif descriptor == self._in and events:
            return self._read()
        return ""

    def _read(self) -> str:
        try:
            data = os.read(self._in, 65_536)
        except BlockingIOError:  # input and output may be one socket
            return ""
        if not data:
            return "the channel was closed"
        try:
            frames = self._decoder.feed(data)
        except ProtocolError as error:
            return f"not the protocol: {error}"
        for frame in frames:
            if frame.kind == MESSAGE:
                self._take(frame.stream, frame.payload)
        return ""

    def _take(self, stream: int, payload: bytes) -> None:
        try:
            message = decode_message(payload, CONSOLE_MESSAGES)
        except UnknownMessage as error:
            self.reply(stream, Failure("unknown_message", f"this agent does not know {error}"))
        except ProtocolError as error:
            self.reply(stream, Failure("bad_request", str(error)))
        else:
            self._obey(stream, message)

    def _obey(self, stream: int, message: Any) -> None:
        if isinstance(message, Heartbeat):
            self._heard, self._heard_at = message.sequence, time.monotonic()
            if message.echo is not None:
                self._pace.echoed(message.echo, self._heard_at)
                if self._tails is not None:
                    self._tails.echoed(message.echo)
        elif isinstance(message, Configure):
            self._configure(message)
        elif isinstance(message, WatchWorkers):
            self._beats.watch(message)
        elif isinstance(message, (OpenTail, TailCredit, CloseTail)):
            self._logs().take(stream, message)
        elif isinstance(message, CountNow):
            self._counting.now(lambda report: self.reply(stream, report))
        else:
            self._requests.start(stream, message)

    def _configure(self, wanted: Configure) -> None:
        changed = wanted != self._wanted
        self._wanted = wanted
        if changed:
            self._next_sample = time.monotonic()
            self._sampling.submit(lambda: self._sampler.configure(wanted), self._configured)
        self._requests.root = wanted.root
        self._workers.configure(wanted.root)
        self._counting.configure(wanted)

    def _logs(self) -> Any:
        """The tails, made with the first one."""
        if self._tails is None:
            from workers.agent.logs.tails import Tails

            self._tails = Tails(self._workers.node_folder, self._post, self.reply)
        self._tails.root = self._wanted.root
        return self._tails

    def _post(self, frame: bytes) -> None:
        """Called by any thread: a frame of log goes out behind everything else."""
        self._finished.add(lambda *_: self._outbox.bulk(frame), None, None)

    def _changed(self) -> None:
        """Called by any thread: the workers are reported soon."""
        self._finished.add(lambda *_: self._beats.poke(), None, None)

    def _configured(self, _: Any, error: Optional[Exception]) -> None:
        if error is not None:
            self._tell_fault(f"settings refused: {type(error).__name__}: {error}")


def _following(due: float, interval_s: float, now: float) -> float:
    """The next beat after ``due`` that still lies ahead: the rhythm is kept, missed beats are skipped."""
    late = now - due
    return due + interval_s * (1 + int(late / interval_s))
