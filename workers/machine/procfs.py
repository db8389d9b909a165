"""Reading the kernel's text files: whole, without buffers, None where they cannot be read."""

import os
from typing import Dict, Optional

_CHUNK_BYTES = 65_536


def read(path: str, limit_bytes: int = 4 * 1024 * 1024) -> Optional[bytes]:
    """The content of a file of /proc or /sys; None when it is absent, hidden or refused."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        content = os.read(descriptor, _CHUNK_BYTES)
        # A short read is not the end: the kernel hands these files out a page at a time.
        more = content
        while more and len(content) < limit_bytes:
            more = os.read(descriptor, _CHUNK_BYTES)
            content += more
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return content


def text(path: str) -> Optional[str]:
    """As ``read``, decoded and stripped."""
    content = read(path)
    return None if content is None else content.decode("utf-8", "surrogateescape").strip()


def numbers(content: bytes) -> Dict[bytes, int]:
    """The ``Name:  123 kB`` lines of meminfo and status, kilobytes as bytes."""
    found: Dict[bytes, int] = {}
    for line in content.splitlines():
        words = line.split()
        if len(words) >= 2 and words[1].isdigit():
            scale = 1024 if words[-1] == b"kB" else 1
            found[words[0].rstrip(b":")] = int(words[1]) * scale
    return found
