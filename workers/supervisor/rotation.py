"""The rotation of one attempt's logs, and their index: driven by the loop of who holds the run's lock.

The worker writes to plain files opened for appending; nothing stands between it and them. What is old
becomes a sealed segment and its blocks are given back by a hole, so offsets never change.
"""

import os
from typing import List, Set, Tuple

from workers.supervisor import events
from workers.supervisor.live_log import LiveLog
from workers.supervisor.log_index import IndexWriter, LogIndex
from workers.supervisor.log_room import Limits, Report, Room
from workers.supervisor.paths import STREAMS, AttemptPaths
from workers.supervisor.segments import leftovers, list_segments, sealed_end
from workers.supervisor.stream_rotation import TROUBLED_S, StreamRotation

GROWING_S = 0.2  # between two looks at a log that grows
RESTING_S = 2.0  # reached by doubling while nothing grows


class Rotator:
    """Watches and rotates the logs of one attempt.

    ``report(kind, **fields)`` appends an event: GAP (stream, start, end, why) and WARNING (text); it may
    raise OSError. No file is touched before the first ``step``.
    """

    def __init__(
        self,
        paths: AttemptPaths,
        report: Report,
        limits: Limits = Limits(),  # noqa: B008
    ) -> None:
        self._paths = paths
        self._report = report
        self._limits = limits
        self._index = IndexWriter(paths.index)
        self._streams: List[StreamRotation] = []
        self._pause_s = GROWING_S
        self._told: Set[str] = set()

    def step(self) -> float:
        """Does a little (milliseconds, or one fsync); seconds until it wants to be called again, 0.0 for at
        once. Never raises OSError."""
        try:
            self._streams = self._streams or self._prepare()
            grew = [stream.look() for stream in self._streams]
            busy = [stream.work() for stream in self._streams]
        except OSError as error:
            self._tell(f"logs are not rotated: {error.filename or ''}: {error.strerror or error}")
            return TROUBLED_S
        if any(busy):
            return 0.0
        self._pause_s = GROWING_S if any(grew) else min(RESTING_S, self._pause_s * 2)
        return self._pause_s

    def sizes(self) -> Tuple[int, ...]:
        """Of the live files. While they are the same there is nothing to do at rest. Raises OSError."""
        return tuple([stream.size for stream in self._streams])

    def close(self) -> None:
        """A last look; what is unfinished is left for the next one who rotates. Never raises OSError."""
        for stream in self._streams:
            try:
                stream.close()
            except OSError as error:
                self._tell(f"a log could not be kept: {error.strerror or error}")
        self._index.close()

    def _prepare(self) -> List[StreamRotation]:
        folder = self._paths.folder
        known = LogIndex(self._paths.index)
        known.refresh()
        room = Room(folder, self._limits, self._report)
        streams = []
        for name in STREAMS:
            for path in leftovers(folder, name):
                os.unlink(path)
            sealed = sealed_end(list_segments(folder, name))
            live = LiveLog(self._paths.log(name), name, known.streams[name], sealed, self._index)
            streams.append(StreamRotation(folder, name, live, self._limits, room, self._report))
        return streams

    def _tell(self, text: str) -> None:
        if text in self._told:
            return
        self._told.add(text)
        try:
            self._report(events.WARNING, text=text)
        except OSError:
            pass
