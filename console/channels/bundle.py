"""What is pushed to a node: one deterministic zip of the node side, and the second stage of its start.

The same sources give the same bytes, whatever the machine, so that a bundle is named by its SHA-256 and
sent once.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.abc import Traversable

LIMIT_BYTES = 512 * 1024

_FOLDERS = ("protocol", "ledger", "machine", "agent", "supervisor")
_FILES = ("__init__.py", "contract.py")
_BOOT = ("places", "shelf", "boot")  # of workers.agent, in the order they need each other
_LEVEL = 5  # 9 saves a hundredth and costs three times the start of the console
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Bundle:
    """The pushed code: `data` the zip, `digest` its SHA-256, `boot` the compressed second stage."""

    data: bytes
    digest: str
    boot: bytes

    def __repr__(self) -> str:
        return f"Bundle({self.digest[:12]}, {len(self.data)} bytes)"


@lru_cache(maxsize=1)
def build() -> Bundle:
    """The bundle of this installation. Raises ValueError above `LIMIT_BYTES`."""
    return pack(sources())


def sources() -> dict[str, bytes]:
    """Path in the zip → source: protocol, contract, ledger, agent, supervisor and pynvml's module."""
    root = files("workers")
    found = {f"workers/{name}": (root / name).read_bytes() for name in _FILES}
    for folder in _FOLDERS:
        collect(root / folder, f"workers/{folder}", found)
    spec = find_spec("pynvml")
    if spec is not None and spec.origin is not None:
        found["pynvml.py"] = Path(spec.origin).read_bytes()
    return found


def pack(found: dict[str, bytes]) -> Bundle:
    """Sources as a bundle. Raises ValueError above `LIMIT_BYTES`."""
    data = zipped(found)
    if len(data) > LIMIT_BYTES:
        raise ValueError(f"the agent's bundle has {len(data)} bytes, at most {LIMIT_BYTES}")
    return Bundle(data, hashlib.sha256(data).hexdigest(), zlib.compress(_stage_two(found), 9))


def zipped(found: dict[str, bytes]) -> bytes:
    """Path → source as a zip: the same sources give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name in sorted(found):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, found[name], compresslevel=_LEVEL)
    return buffer.getvalue()


def collect(folder: Traversable, prefix: str, found: dict[str, bytes]) -> None:
    """Adds every Python source below a folder."""
    for entry in folder.iterdir():
        name = f"{prefix}/{entry.name}"
        if entry.is_dir() and entry.name != "__pycache__":
            collect(entry, name, found)
        elif entry.name.endswith(".py"):
            found[name] = entry.read_bytes()


def _stage_two(found: dict[str, bytes]) -> bytes:
    """The boot modules as one program: each becomes a module under its own name, then `boot` runs.

    They stay loaded, so the agent does not compile them again.
    """
    modules = tuple(
        (f"workers.agent.{name}", found[f"workers/agent/{name}.py"].decode()) for name in _BOOT
    )
    return (
        "import sys\n"
        f"for n, s in {modules!r}:\n"
        "    m = sys.modules[n] = type(sys)(n)\n"
        "    exec(compile(s, n, 'exec'), m.__dict__)\n"
        "m.boot()\n"
    ).encode()
