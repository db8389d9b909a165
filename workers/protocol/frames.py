"""Frames: a byte stream cut into messages. Does no I/O."""

import json
import struct
from typing import Any, Dict, List, NamedTuple, Tuple, Type

from workers.protocol.shapes import ProtocolError, Text, decode, plain, type_name

MAX_FRAME_BYTES = 4 * 1024 * 1024

HEADER = struct.Struct(">IBI")
MESSAGE = 1
DATA = 2  # a LogChunk, under the stream number of its tail


class UnknownMessage(ProtocolError):
    """A well-formed message of a type this side does not know; answered with a ``Failure``."""


class Frame(NamedTuple):
    kind: int
    stream: int
    payload: bytes


def encode_frame(kind: int, stream: int, payload: bytes) -> bytes:
    """One frame as bytes. Raises ProtocolError above ``MAX_FRAME_BYTES``."""
    if len(payload) > MAX_FRAME_BYTES:
        raise ProtocolError(f"frame of {len(payload)} bytes, at most {MAX_FRAME_BYTES}")
    return HEADER.pack(len(payload), kind, stream) + payload


def encode_message(message: Any, stream: int = 0) -> bytes:
    """A message as one frame. Lone surrogates are escaped, so any ``str`` can be sent."""
    body = {"type": type_name(type(message))}
    body.update(plain(message))
    return encode_frame(MESSAGE, stream, json.dumps(body, separators=(",", ":")).encode("ascii"))


def decode_message(payload: bytes, known: Tuple[Type[Any], ...], text: Text = str) -> Any:
    """The message in a payload. Raises ProtocolError; ``UnknownMessage`` for a type not in ``known``."""
    try:
        body = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not a JSON message: {error}") from None
    if type(body) is not dict or type(body.get("type")) is not str:
        raise ProtocolError("a message without a type")
    shape = _by_name(known).get(body["type"])
    if shape is None:
        raise UnknownMessage(body["type"][:80])
    try:
        return decode(shape, body, text)
    except ProtocolError as error:
        raise ProtocolError(body["type"] + str(error)) from None


_names: Dict[Tuple[Type[Any], ...], Dict[str, Type[Any]]] = {}


def _by_name(known: Tuple[Type[Any], ...]) -> Dict[str, Type[Any]]:
    if known not in _names:
        _names[known] = {type_name(shape): shape for shape in known}
    return _names[known]


class FrameDecoder:
    """Cuts a byte stream into frames, whatever the pieces it arrives in. Does no I/O."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> List[Frame]:
        """The frames completed by ``data``. Raises ProtocolError on a length above the cap."""
        self._buffer += data
        frames: List[Frame] = []
        start = 0
        while len(self._buffer) - start >= HEADER.size:
            length, kind, stream = HEADER.unpack_from(self._buffer, start)
            if length > MAX_FRAME_BYTES:
                raise ProtocolError(f"frame of {length} bytes, at most {MAX_FRAME_BYTES}")
            end = start + HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append(Frame(kind, stream, bytes(self._buffer[start + HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames

    @property
    def pending_bytes(self) -> int:
        """Bytes of an unfinished frame."""
        return len(self._buffer)
