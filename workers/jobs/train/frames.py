"""Messages over a pipe: a JSON object, and bytes behind it. Runs on either side of WSL."""

import json
import struct
from typing import IO, Any, Dict, Optional, Tuple

_HEAD = struct.Struct(">II")
_MOST = 256 << 20  # a list of a million files


def send(stream: IO[bytes], message: Dict[str, Any], data: bytes = b"") -> None:
    """Raises OSError where nobody reads."""
    head = json.dumps(message).encode()
    stream.write(_HEAD.pack(len(head), len(data)) + head)
    stream.write(data)


def receive(stream: IO[bytes]) -> Optional[Tuple[Dict[str, Any], bytes]]:
    """None at the end. Raises ValueError for what is no message."""
    raw = stream.read(_HEAD.size)
    if len(raw) < _HEAD.size:
        return None
    head_size, size = _HEAD.unpack(raw)
    if head_size > _MOST or size > _MOST:
        raise ValueError("what came is no message")
    head, data = stream.read(head_size), stream.read(size)
    if len(head) < head_size or len(data) < size:
        return None
    message = json.loads(head)
    if not isinstance(message, dict):
        raise ValueError("what came is no message")
    return message, data
