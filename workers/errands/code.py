"""How the errand program gets to a machine: its code as one zip, and the line that starts it there."""

import io
import sys
import zipfile
import zlib
from functools import lru_cache
from importlib.resources import files
from typing import Any, Dict, List

from workers.protocol.pythons import INTERPRETERS, LEAST_PYTHON, NONE_FITS

_FOLDERS = ("protocol", "ledger", "machine", "errands", "agent/data")
_FILES = (
    "__init__.py",
    "contract.py",
    "agent/__init__.py",
    "agent/gpu_driver.py",
    "agent/identity.py",
    "agent/places.py",
    "agent/shelf.py",
)
_EPOCH = (1980, 1, 1, 0, 0, 0)
# No string literal may stand in it: both kinds of quotes are taken by the shells around it.
_STAGE_ONE = (
    "import sys,io;"
    f"sys.version_info<({LEAST_PYTHON[0]},{LEAST_PYTHON[1]}) and sys.exit(86);"
    "import zlib;"
    "exec(zlib.decompress("
    "io.BufferedReader(io.FileIO(0,closefd=False),1).read(int(sys.argv[1]))))"
)


@lru_cache(maxsize=1)
def code() -> bytes:
    """The zip of what the program imports: the same sources give the same bytes."""
    root = files("workers")
    found: Dict[str, bytes] = {}
    for name in _FILES:
        found[f"workers/{name}"] = _at(root, name).read_bytes()
    for folder in _FOLDERS:
        for entry in _at(root, folder).iterdir():
            if entry.name.endswith(".py"):
                found[f"workers/{folder}/{entry.name}"] = entry.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(found):
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), found[path], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@lru_cache(maxsize=1)
def boot() -> bytes:
    """The first thing the far Python reads."""
    source = _at(files("workers"), "errands/boot.py").read_bytes()
    return zlib.compress(source + b"\nboot()\n", 9)


def greeting(nonce: str) -> bytes:
    """All that is sent before the first request."""
    data = code()
    return boot() + nonce.encode("ascii") + f"{len(data):08d}".encode("ascii") + data


def far_command() -> str:
    """The line for the far shell, whichever it is: no ``!``, no newline, no backslash, no inner single quote.

    It tries interpreters until one is new enough; 86 says too old, 1, 2, 126 and 127 that it is none at all.
    """
    return (
        "exec /bin/sh -c '"
        f"for p in {' '.join(INTERPRETERS)}; do "
        'command -v "$p" >/dev/null 2>&1 || continue; '
        f'"$p" -I -S -u -X utf8 -c "{_STAGE_ONE}" {len(boot())}; '
        "c=$?; case $c in 1|2|86|126|127) ;; *) exit $c;; esac; "
        f"done; echo {NONE_FITS.decode()}'"
    )


def near_command(python: str = "") -> List[str]:
    """The same program on this machine, from memory too: what runs is what is sent elsewhere."""
    python = python or sys.executable or "python3"
    return [python, "-I", "-S", "-u", "-X", "utf8", "-c", _STAGE_ONE, str(len(boot()))]


def _at(root: Any, path: str) -> Any:
    for part in path.split("/"):
        root = root / part
    return root
