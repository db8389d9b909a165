"""What a far Python runs first: reads the code from standard input into memory and hands over to it.

Travels as source before the code itself, so it imports nothing of ours. Nothing is written on the machine.
"""

import os
import sys
from typing import List, Tuple

HEADER_BYTES = 32 + 8  # nonce, size of the code in decimal


def boot() -> None:
    """Reads header and code, then runs the program; never returns."""
    header = _exactly(HEADER_BYTES)
    code = _exactly(int(header[32:]))
    sys.path.insert(0, _in_memory(code))
    from workers.errands.program import main

    main(header[:32].decode("ascii"))


def _exactly(count: int) -> bytes:
    parts: List[bytes] = []
    while count:
        piece = os.read(0, min(count, 65_536))
        if not piece:
            os._exit(70)
        parts.append(piece)
        count -= len(piece)
    return b"".join(parts)


def _in_memory(code: bytes) -> str:
    """A path that leads to the bytes, which have no name."""
    file, path = _nameless()
    view = memoryview(code)
    while view:
        view = view[os.write(file, view) :]
    return path


def _nameless() -> Tuple[int, str]:
    if hasattr(os, "memfd_create"):
        try:
            file = os.memfd_create("quarterdeck-errand")
            return file, f"/proc/{os.getpid()}/fd/{file}"
        except OSError:
            pass  # an old kernel, or one that forbids it
    import tempfile

    folder = tempfile.mkdtemp(prefix="quarterdeck-errand-")
    path = os.path.join(folder, "code.zip")
    import atexit
    import shutil

    atexit.register(shutil.rmtree, folder, True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), path
