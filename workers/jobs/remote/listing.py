"""What lies at a remote, and which of it is meant."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from workers.jobs.errors import Passing
from workers.jobs.remote.calling import Caller

_NO_FOLDER = 3
"""rclone's exit code for a folder that is not there; an object store has no empty ones."""


class Object(NamedTuple):
    """``path`` is relative to what was listed."""

    path: str
    bytes: int


def objects(caller: Caller, *parts: str, deep: bool = True) -> tuple[Object, ...]:
    """All below a folder of the remote, or just in it; none where there is none. Raises WorkerError."""
    flags = ["--files-only", "--no-modtime", "--no-mimetype", *(["--recursive"] if deep else [])]
    answer = caller.call("lsjson", flags, [caller.address.folder(*parts)], accept=(0, _NO_FOLDER))
    if answer.code == _NO_FOLDER:
        return ()
    try:
        rows = json.loads(answer.output)
        return tuple(Object(str(row["Path"]), int(row["Size"])) for row in rows)
    except (ValueError, KeyError, TypeError) as error:
        raise Passing(f"{caller.address.text}: rclone's listing cannot be read: {error}") from error


def content(caller: Caller, *parts: str) -> bytes:
    """The bytes of a small object. Raises WorkerError."""
    return caller.call("cat", [], [caller.address.object(*parts)]).output


@contextmanager
def listed(names: Sequence[str]) -> Iterator[str]:
    """A file of names, one a line, for ``--files-from-raw``; gone afterwards."""
    with tempfile.NamedTemporaryFile(prefix="quarterdeck-", suffix=".names") as file:
        file.write("".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape"))
        file.flush()
        yield file.name
