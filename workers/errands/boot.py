"""What a far Python runs first: reads the code from standard input into memory and hands over to it.

Travels as source before the code itself, so it imports nothing of ours. Nothing is written on a machine that
has files in memory (Linux); elsewhere the code lies in a private folder as long as the program runs.
"""

import os
import sys
from typing import List, Tuple

HEADER_BYTES = 32 + 8  # nonce, size of the code in decimal


def boot() -> None:
    """Reads header and code, then runs the program; never returns."""
    header = _exactly(HEADER_BYTES)
    code = _exactly(int(header[32:]))
    path, folder = _place(code)
    sys.path.insert(0, path)
    from workers.errands.program import main

    main(header[:32].decode("ascii"), folder)


def _exactly(count: int) -> bytes:
    parts: List[bytes] = []
    while count:
        piece = os.read(0, min(count, 65_536))
        if not piece:
            os._exit(70)
        parts.append(piece)
        count -= len(piece)
    return b"".join(parts)


def _place(code: bytes) -> Tuple[str, str]:
    """(a path that leads to the bytes, the folder to be removed at the end or "")."""
    if hasattr(os, "memfd_create"):
        try:
            file = os.memfd_create("quarterdeck-errand")
            path = f"/proc/{os.getpid()}/fd/{file}"
            if os.path.exists(path):
                _write(file, code)
                return path, ""
        except OSError:
            pass  # an old kernel, or one that forbids it
    import tempfile

    folder = tempfile.mkdtemp(prefix="quarterdeck-errand-")
    path = os.path.join(folder, "code.zip")
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    _write(file, code)
    os.close(file)
    return path, folder


def _write(file: int, code: bytes) -> None:
    view = memoryview(code)
    while view:
        view = view[os.write(file, view) :]
