"""Files to a remote, and the proof that they are there."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from workers.jobs.errors import Passing
from workers.jobs.remote.calling import Caller, Tell
from workers.jobs.remote.complaints import differs, explain

COPY_FLAGS = (
    "--checksum",
    "--no-traverse",
    # What does not fit after the transfer rclone would delete at the remote. We delete nothing there: `prove`
    # reads it all back instead.
    "--ignore-checksum",
    "--ignore-size",
)
IMMUTABLE = "--immutable"
CHECK_FLAGS = ("--download", "--one-way", "--combined=-")
_FOUND_DIFFERENCES = 1


def send(
    caller: Caller,
    folder: Path,
    names: Sequence[str],
    parts: Sequence[str],
    tell: Tell | None = None,
    immutable: bool = True,
) -> None:
    """Copies files below ``folder`` to a folder of the remote; what lies there already is not sent again.

    ``immutable``: an object with other bytes under the same name is an error and stays. Raises WorkerError.
    """
    flags = [*COPY_FLAGS, *([IMMUTABLE] if immutable else [])]
    with _listed(names) as listing:
        caller.call(
            "copy",
            [*flags, f"--files-from-raw={listing.name}"],
            [str(folder), caller.address.folder(*parts)],
            tell,
        )


def prove(
    caller: Caller,
    folder: Path,
    names: Sequence[str],
    parts: Sequence[str],
    tell: Tell | None = None,
) -> None:
    """Reads every object back and compares it byte for byte with the file here.

    A stored MD5 would not do: of an object that was sent in pieces it is what we said it is. Raises
    CorruptData where one differs, Passing where one could not be read.
    """
    with _listed(names) as listing:
        answer = caller.call(
            "check",
            [*CHECK_FLAGS, f"--files-from-raw={listing.name}"],
            [str(folder), caller.address.folder(*parts)],
            tell,
            accept=(0, _FOUND_DIFFERENCES),
        )
    found = {
        line[2:]: line[:1]
        for line in answer.output.decode("utf-8", "surrogateescape").splitlines()
        if line[1:2] == " "
    }
    where = "/".join([caller.address.text, *parts])
    other = [name for name in names if found.get(name) == "*"]
    if other:
        raise differs(
            where, other, "reads back with other bytes than the file here; nothing was recorded"
        )
    missing = [name for name in names if found.get(name) != "="]
    if missing and any(found.get(name) == "!" for name in missing):
        raise explain(answer.complaints, where, answer.code)
    if missing or answer.code:
        raise Passing(
            f"{where}: {len(missing)} of {len(names)} objects are not there after they were sent"
        )


def _listed(names: Sequence[str]) -> "tempfile._TemporaryFileWrapper[str]":
    """A file of names, one a line, that is gone after use."""
    file = tempfile.NamedTemporaryFile("w", prefix="quarterdeck-", suffix=".names", encoding="utf-8", errors="surrogateescape")  # fmt: skip  # noqa: SIM115
    file.write("".join(f"{name}\n" for name in names))
    file.flush()
    return file
