"""A source of which only the lines that match are passed on; which those are a child says."""

from collections import deque
from typing import Any, Deque, Dict, List, Optional, Tuple, Union

from workers.agent.logs.child import Child, ChildLost
from workers.agent.logs.child_main import FILTER_S, SPAN
from workers.agent.logs.stretches import LINE_BYTES
from workers.protocol import (
    AGENT_MESSAGES,
    DATA,
    LogChunk,
    OpenTail,
    TailNote,
    decode_message,
    encode_frame,
    encode_message,
)

_READ_BYTES = 256 * 1024
_AGAIN_BYTES = 8 * 1024 * 1024  # without a match, it is said how far it has looked
_PATIENCE_S = 10.0
Item = Union[LogChunk, TailNote]


class FilteredSource:
    """Around another source. Raises OSError where the expression is none, or takes too long."""

    def __init__(self, source: Any, pattern: str) -> None:
        self._source = source
        self._ready: Deque[Item] = deque()
        self._rests: Dict[Tuple[int, int], LogChunk] = {}
        self._silent_bytes = 0
        self._child = Child(None, "")
        self._child.send(encode_message(OpenTail(filter=pattern)))

    @property
    def over(self) -> bool:
        return bool(self._source.over) and not self._ready and not self._rests

    @property
    def behind_bytes(self) -> int:
        return int(self._source.behind_bytes)

    def read(self, limit: int) -> Optional[Item]:
        """The next lines that match, at most ``limit`` bytes of them. Raises OSError."""
        while not self._ready:
            item = self._source.read(_READ_BYTES)
            if item is None:
                if self._source.over and self._rests:
                    self._take_rests()
                    continue
                return self._how_far()
            if isinstance(item, TailNote):
                self._ready.append(item)
            else:
                self._take(item)
                if self._silent_bytes > _AGAIN_BYTES:
                    return self._how_far(item)
        return self._cut(self._ready.popleft(), limit)

    def close(self) -> None:
        self._child.close()
        self._source.close()

    def _cut(self, item: Item, limit: int) -> Item:
        if isinstance(item, LogChunk) and len(item.data) > limit:
            rest = item._replace(offset=item.offset + limit, data=item.data[limit:])
            self._ready.appendleft(rest)
            return item._replace(data=item.data[:limit])
        return item

    def _how_far(self, item: Optional[LogChunk] = None) -> Optional[LogChunk]:
        """An empty chunk where nothing matched for long: who comes back need not look here again."""
        if self._silent_bytes == 0 or item is None:
            return None
        self._silent_bytes = 0
        rest = self._rests.get((item.attempt, item.which))
        offset = rest.offset if rest else item.offset + len(item.data)
        return item._replace(offset=offset, data=b"")

    def _take(self, chunk: LogChunk) -> None:
        """Whole lines go to the child; what has no end yet waits."""
        key = (chunk.attempt, chunk.which)
        rest = self._rests.pop(key, None)
        if rest is not None and rest.offset + len(rest.data) == chunk.offset:
            chunk = chunk._replace(offset=rest.offset, data=rest.data + chunk.data)
        whole = chunk.data.rfind(b"\n") + 1
        if not whole and len(chunk.data) > LINE_BYTES:
            whole = len(chunk.data)  # longer than any line is looked at
        left = chunk.data[whole:]
        if left:
            self._rests[key] = chunk._replace(offset=chunk.offset + whole, data=left)
        if whole:
            self._match(chunk._replace(data=chunk.data[:whole]))

    def _take_rests(self) -> None:
        rests: List[LogChunk] = list(self._rests.values())
        self._rests.clear()
        for rest in rests:
            self._match(rest)

    def _match(self, chunk: LogChunk) -> None:
        spans = self._ask(chunk.data)
        self._silent_bytes = 0 if spans else self._silent_bytes + len(chunk.data)
        for start, end in spans:
            data = chunk.data[start:end]
            self._ready.append(chunk._replace(offset=chunk.offset + start, data=data))

    def _ask(self, data: bytes) -> List[Tuple[int, int]]:
        try:
            self._child.send(encode_frame(DATA, 0, data))
        except OSError:
            pass  # it has said why, and ended
        frame = self._child.receive(FILTER_S + _PATIENCE_S)
        if frame.kind != DATA:
            said = decode_message(frame.payload, AGENT_MESSAGES)
            raise ChildLost(0, str(getattr(said, "text", said)), "filter")
        return [
            SPAN.unpack_from(frame.payload, place)
            for place in range(0, len(frame.payload), SPAN.size)
        ]
