"""One generation to the remote: its files, the proof, its manifest, and then the line that says so."""

import hashlib
import tempfile
import time
from pathlib import Path

from workers.jobs.document import Document
from workers.jobs.errors import Passing, Refused
from workers.jobs.remote.calling import Caller, Tell
from workers.jobs.remote.generations import Generation
from workers.jobs.remote.listing import content, objects
from workers.jobs.remote.sending import prove, send
from workers.ledger.manifest import Manifest, folder_of
from workers.ledger.shapes import BackedUp
from workers.records.consolidated import manifest_name


def upload(
    caller: Caller, generation: Generation, parts: tuple[str, ...], sent: Tell, proven: Tell
) -> None:
    """Afterwards it lies at ``parts`` of the remote, every byte read back, the manifest last.

    Raises WorkerError. What was sent before a failure stays and is not sent again.
    """
    _check_owner(caller, generation, parts)
    send(caller, generation.folder, generation.names, parts, sent)
    prove(caller, generation.folder, generation.names, parts, proven)
    _send_manifest(caller, generation, parts)


def _check_owner(caller: Caller, generation: Generation, parts: tuple[str, ...]) -> None:
    """Raises Refused where the manifest of another store is there."""
    name = manifest_name(generation.number)
    there = {each.path for each in objects(caller, *parts, deep=False)}
    if name in there and content(caller, *parts, name) != generation.manifest:
        raise Refused(
            f"{caller.address.object(*parts, name)}: is the manifest of another store with generations of the "
            "same numbers; nothing was sent: give this one a prefix of its own"
        )


def _send_manifest(caller: Caller, generation: Generation, parts: tuple[str, ...]) -> None:
    """From a copy of what was read: whoever changes the file meanwhile does not change what is sent."""
    name = manifest_name(generation.number)
    with tempfile.TemporaryDirectory(prefix="quarterdeck-") as folder:
        (Path(folder) / name).write_bytes(generation.manifest)
        send(caller, Path(folder), [name], parts)
    if content(caller, *parts, name) != generation.manifest:
        raise Passing(f"{caller.address.object(*parts, name)}: reads back with other bytes")


def record(document: Document, root: Path, dataset: str, remote: str, done: Generation) -> None:
    """The line of the ledger: this generation, and all before it, are backed up. Raises OSError."""
    entry = BackedUp(
        generation=done.number,
        remote=remote,
        files=len(done.files) + 1,
        bytes=done.bytes + len(done.manifest),
        hash=hashlib.blake2b(done.manifest, digest_size=16).hexdigest(),
        at=time.time(),
        run=document.run,
        fence=document.fence,
    )
    Manifest(folder_of(str(root), dataset), "backed_up").append([entry])
