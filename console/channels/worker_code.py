"""The code of our own workers as a node gets it: one deterministic zip, sent once for each release."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from console.channels.bundle import collect, zipped

LIMIT_BYTES = 2 * 1024 * 1024
_PIECE_BYTES = 36 * 1024  # below what one text of the protocol may hold, once it is base64


@dataclass(frozen=True)
class WorkerCode:
    """`data` is the zip, `digest` its SHA-256."""

    data: bytes
    digest: str

    def __repr__(self) -> str:
        return f"WorkerCode({self.digest[:12]}, {len(self.data)} bytes)"

    @property
    def pieces(self) -> tuple[str, ...]:
        """The zip in base64, as `StoreCode` takes it."""
        starts = range(0, len(self.data), _PIECE_BYTES)
        return tuple(
            base64.b64encode(self.data[start : start + _PIECE_BYTES]).decode() for start in starts
        )


@lru_cache(maxsize=1)
def worker_code() -> WorkerCode:
    """That of this installation: all of `workers/`. Raises ValueError above `LIMIT_BYTES`."""
    found: dict[str, bytes] = {}
    collect(files("workers"), "workers", found)
    data = zipped(found)
    if len(data) > LIMIT_BYTES:
        raise ValueError(f"the workers' code has {len(data)} bytes, at most {LIMIT_BYTES}")
    return WorkerCode(data, hashlib.sha256(data).hexdigest())
