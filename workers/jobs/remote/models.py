"""A folder of models as a backup sees it: checkpoints that never change, and what moves on beside them.

At the remote: ``models/NAME/PATH``, and one manifest a backup, ``models/NAME/.manifests/STAMP-HASH.json``, the last
object of it. Small files that move (pointers, their histories) stand in the manifest itself: so what a backup
said of them holds whatever a later one that did not end has sent.
"""

import base64
import hashlib
import re
from datetime import datetime, timezone
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from workers.harness import CorruptData
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.generations import StoredFile, safe_path
from workers.jobs.remote.listing import content, objects
from workers.records.consolidated import decode_manifest, encode_manifest

MODELS = "models"
MANIFESTS = ".manifests"
CHECKPOINTS = "checkpoints"
POINTERS = ("latest", "best")
Body = bytes
_STAMPED = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}\.json", re.ASCII)


class ModelFile(NamedTuple):
    """``path`` is relative to the folder. ``body``: its bytes, of a small file that moves."""

    path: str
    bytes: int
    hash: str
    mtime_ns: int
    body: Body | None = None

    @property
    def fixed(self) -> bool:
        """Part of a checkpoint: there once, and never written to again."""
        return CHECKPOINTS in PurePosixPath(self.path).parts[:-1]

    @property
    def pointer(self) -> bool:
        return not self.fixed and PurePosixPath(self.path).name in POINTERS

    @property
    def stored(self) -> StoredFile:
        return StoredFile(self.path, self.bytes, self.hash)


class ModelManifest(NamedTuple):
    at: float
    files: tuple[ModelFile, ...]


def model_part(name: str) -> str:
    """What progress is shown of."""
    return f"{MODELS}/{name}"


def model_names(caller: Caller) -> list[str]:
    """Those with a manifest at the remote. Raises WorkerError."""
    paths = [each.path.split("/") for each in objects(caller, MODELS)]
    return sorted({path[0] for path in paths if len(path) == 3 and path[1] == MANIFESTS})


def newest(caller: Caller, name: str) -> ModelManifest | None:
    """What the last backup that ended has said; None where there is none. Raises WorkerError."""
    found = objects(caller, MODELS, name, MANIFESTS, deep=False)
    stamped = sorted(each.path for each in found if _STAMPED.fullmatch(each.path))
    if not stamped:
        return None
    place = (MODELS, name, MANIFESTS, stamped[-1])
    return parse(content(caller, *place), caller.address.object(*place))


def encode(name: str, run: str, manifest: ModelManifest) -> tuple[str, bytes]:
    """The manifest's own name, and its bytes."""
    body = encode_manifest(
        {
            "models": name,
            "at": manifest.at,
            "run": run,
            "files": [_row(each) for each in manifest.files],
        }
    )
    stamp = datetime.fromtimestamp(manifest.at, timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{hashlib.blake2b(body, digest_size=4).hexdigest()}.json", body


def parse(body: bytes, place: str) -> ModelManifest:
    """Raises CorruptData where it is none, or names a file outside its folder."""
    try:
        found = decode_manifest(body, place)
        return ModelManifest(float(found["at"]), tuple(_file(row) for row in found["files"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptData(f"{place}: is no manifest of models: {error}") from error


def _row(file: ModelFile) -> dict[str, Any]:
    body = None if file.body is None else base64.b64encode(file.body).decode()
    return {**file._asdict(), "body": body}


def _file(row: dict[str, Any]) -> ModelFile:
    path, size, digest = row["path"], row["bytes"], row["hash"]
    if not isinstance(path, str) or not safe_path(path):
        raise ValueError(f"{str(path)[:80]!r} may not form a path")
    if type(size) is not int or size < 0 or not re.fullmatch(r"[0-9a-f]{32}", str(digest)):
        raise ValueError(f"{path!r} has no size or hash")
    body = None if row["body"] is None else base64.b64decode(row["body"], validate=True)
    if body is not None and hashlib.blake2b(body, digest_size=16).hexdigest() != digest:
        raise ValueError(f"{path!r}: its bytes are not those of its hash")
    return ModelFile(path, size, digest, int(row["mtime_ns"]), body)
