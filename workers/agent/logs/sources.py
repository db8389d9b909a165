"""What an ask about logs means on this node: a run, or a file. Raises OSError where there is none."""

import errno
import os
from typing import Any, Optional

from workers.protocol import OpenTail
from workers.supervisor.run import Run
from workers.supervisor.runs import Runs


def open_source(want: OpenTail, node_folder: Optional[str], root: str) -> Any:
    """The source of a tail."""
    source = _source(want, node_folder, root)
    if not want.filter:
        return source
    from workers.agent.logs.filtered import FilteredSource

    return FilteredSource(source, want.filter)


def _source(want: OpenTail, node_folder: Optional[str], root: str) -> Any:
    if want.path:
        from workers.agent.logs.file_source import FileSource

        return FileSource(place_of(want.path, root), want)
    from workers.agent.logs.run_source import RunSource

    return RunSource(find_run(want.run_id, node_folder), want)


def find_run(run_id: str, node_folder: Optional[str]) -> Run:
    """Raises FileNotFoundError for an id that no run has."""
    run = Runs(node_folder).get(run_id) if node_folder is not None else None
    if run is None:
        raise FileNotFoundError(errno.ENOENT, "there is no such run on this node", run_id[:64])
    return run


def place_of(path: str, root: str) -> str:
    """An absolute path; a relative one starts at ``root``, whose "" is the home directory."""
    home = os.path.expanduser("~")
    return os.path.join(home, os.path.expanduser(root), os.path.expanduser(path))
