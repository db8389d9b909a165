"""A folder of models to the remote: checkpoints, what moves beside them, pointers, and the manifest last."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from workers.jobs.backup.model_folder import look
from workers.jobs.crew import Crew, Skip
from workers.jobs.errors import Passing
from workers.jobs.parts import Part
from workers.jobs.plan import byte_text
from workers.jobs.remote.calling import Caller
from workers.jobs.remote.listing import content
from workers.jobs.remote.models import MANIFESTS, MODELS, ModelFile, ModelManifest, encode, newest
from workers.jobs.remote.sending import prove, send
from workers.jobs.remote.telling import teller


def back_up_models(
    caller: Caller, crew: Crew, name: str, folder: Path, run: str, part: Part
) -> str:
    """What was done. Raises WorkerError; Skip where the remote has all of it."""
    before = newest(caller, name)
    part.say(message="looking at the checkpoints")
    manifest = ModelManifest(time.time(), look(folder, before, crew.check))
    fresh = unsaved(manifest, before)
    if not fresh and before is not None:
        raise Skip("nothing is new")
    size = sum(file.bytes for file in fresh)
    part.say(total=len(fresh), done=0, bytes=0, bytes_total=size)
    _send(caller, part, (MODELS, name), folder, [each for each in fresh if each.fixed])
    _send_moving(caller, part, (MODELS, name), folder, [each for each in fresh if not each.fixed])
    _send_manifest(caller, name, run, manifest)
    part.say(done=len(fresh), bytes=size)
    return f"{len(fresh):,} files ({byte_text(size)}) backed up and read back"


def unsaved(manifest: ModelManifest, before: ModelManifest | None) -> list[ModelFile]:
    """What the last backup does not have with the same bytes."""
    known = {(each.path, each.hash) for each in before.files} if before else set()
    return [file for file in manifest.files if (file.path, file.hash) not in known]


def _send(
    caller: Caller,
    part: Part,
    parts: tuple[str, ...],
    folder: Path,
    files: Sequence[ModelFile],
    fixed: bool = True,
) -> None:
    if not files:
        return
    names = [file.path for file in files]
    send(
        caller,
        folder,
        names,
        parts,
        teller(part, "checkpoints: sent" if fixed else "sent"),
        immutable=fixed,
    )
    prove(
        caller,
        folder,
        names,
        parts,
        teller(part, "checkpoints: read back" if fixed else "read back"),
    )


def _send_moving(
    caller: Caller, part: Part, parts: tuple[str, ...], folder: Path, files: Sequence[ModelFile]
) -> None:
    """Small ones as they were when they were looked at; pointers after all they could point at."""
    large = [file for file in files if file.body is None]
    _send(caller, part, parts, folder, large, fixed=False)
    with tempfile.TemporaryDirectory(prefix="quarterdeck-") as text:
        copies = Path(text)
        for file in files:
            if file.body is not None:
                (copies / file.path).parent.mkdir(parents=True, exist_ok=True)
                (copies / file.path).write_bytes(file.body)
        small = [file for file in files if file.body is not None]
        for group in (False, True):
            _send(
                caller,
                part,
                parts,
                copies,
                [each for each in small if each.pointer is group],
                fixed=False,
            )


def _send_manifest(caller: Caller, name: str, run: str, manifest: ModelManifest) -> None:
    file, body = encode(name, run, manifest)
    parts = (MODELS, name, MANIFESTS)
    with tempfile.TemporaryDirectory(prefix="quarterdeck-") as folder:
        (Path(folder) / file).write_bytes(body)
        send(caller, Path(folder), [file], parts)
    if content(caller, *parts, file) != body:
        raise Passing(f"{caller.address.object(*parts, file)}: reads back with other bytes")
