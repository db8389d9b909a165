"""Data counts of a node: how many records the files of each dataset hold.

``DatasetCounter`` is the door. It is imported late, runs in a thread of its own and reads only:
the one file it writes is a disposable cache in the state directory.

Rules that hold for every method

- A file counts once by (device, inode), whatever roots, links or patterns reach it.
- Patterns are globs with ``**``, relative to the root; ``~`` is expanded. A wildcard does not match a
  leading dot. A path that names a directory means every file below it with a name of the method.
- Temporary files are not counted: names that end in ``.tmp``, ``.part``, ``.partial`` or ``~``, and
  rsync's ``.name.XXXXXX``.
- Unreadable is not empty: what could not be read is named, with the reason, and never counted as 0.
- Only regular files are opened, never a FIFO, a device or a socket.

Standard library only, Python 3.9.
"""

from workers.agent.data.counter import DatasetCounter

__all__ = ["DatasetCounter"]
