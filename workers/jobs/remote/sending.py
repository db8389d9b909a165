"""Files to a remote, the proof that they are there, and files from it."""

from collections.abc import Sequence
from pathlib import Path

from workers.jobs.errors import Passing
from workers.jobs.remote.calling import Caller, Tell
from workers.jobs.remote.complaints import differs, explain
from workers.jobs.remote.listing import listed

COPY_FLAGS = (
    "--checksum",
    "--no-traverse",
    # What does not fit after the transfer rclone would delete at the remote. We delete nothing there: `prove`
    # reads it all back instead.
    "--ignore-checksum",
    "--ignore-size",
)
FETCH_FLAGS = ("--checksum", "--no-traverse")
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
    with listed(names) as listing:
        caller.call(
            "copy",
            [*flags, f"--files-from-raw={listing}"],
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
    with listed(names) as listing:
        answer = caller.call(
            "check",
            [*CHECK_FLAGS, f"--files-from-raw={listing}"],
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


def fetch(
    caller: Caller,
    parts: Sequence[str],
    names: Sequence[str],
    folder: Path,
    tell: Tell | None = None,
) -> None:
    """Copies objects of a folder of the remote to a folder here; what came whole before is not fetched again.

    Raises WorkerError.
    """
    with listed(names) as listing:
        caller.call(
            "copy",
            [*FETCH_FLAGS, f"--files-from-raw={listing}"],
            [caller.address.folder(*parts), str(folder)],
            tell,
        )
