"""One JSON object on one line with a checksum as its last member, so that a damaged one is never believed."""

import json
import zlib
from typing import Any, Dict, Mapping

_MARK = b',"crc":'


class Damaged(ValueError):
    """What lies there is not what was written. Says how it shows."""


def seal(body: Mapping[str, Any]) -> bytes:
    """The line without its newline. ``crc`` is ``zlib.crc32`` of the object without that member."""
    text = json.dumps(dict(body), separators=(",", ":")).encode("ascii")
    return text[:-1] + _MARK + b"%d}" % zlib.crc32(text)


def unseal(line: bytes) -> Dict[str, Any]:
    """The object without its ``crc``. Raises Damaged."""
    line = line.strip()
    if not line:
        raise Damaged("empty")
    head, mark, tail = line.rpartition(_MARK)
    if not mark or tail[-1:] != b"}" or not tail[:-1].isdigit():
        raise Damaged("no checksum")
    text = head + b"}"
    if zlib.crc32(text) != int(tail[:-1]):
        raise Damaged("the checksum does not fit")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"not JSON ({error})") from None
    if type(body) is not dict:
        raise Damaged("not an object")
    return body
