"""What the console asks about the ledger: the files of a dataset, a manifest, in pages."""

import os
import time
from bisect import bisect_right
from typing import Any, List, Optional, Tuple

from workers.agent.data.cache import CountCache
from workers.agent.data.listed_file import Memory
from workers.agent.data.listing import Listed, list_files, real_root
from workers.agent.data.priority import give_way
from workers.ledger.manifest import Manifest, ManifestReplaced, folder_of
from workers.ledger.names import check_name
from workers.ledger.shapes import KINDS, encode_file
from workers.protocol import Failure, FileList, ListFiles, ManifestPart, ReadManifest

PAGE_BYTES = 1024 * 1024  # of text; a frame holds at most 4 MiB
KEPT_S = 60.0  # how long a listing serves its further pages
MOST_KNOWN = 1_000_000
_MOST_LINES = 20_000

_Question = Tuple[Tuple[str, ...], str, str]


class LedgerAnswers:
    """Answers ``ListFiles`` and ``ReadManifest``; listings one after the other, in one thread."""

    def __init__(self, node_key: str, cache_directory: Optional[str]) -> None:
        self._node_key = node_key
        self._cache = CountCache(cache_directory)  # read once, never written: the counter's file
        self._memory: Memory = {}
        self._question: Optional[_Question] = None
        self._listed = Listed((), ())
        self._listed_at = 0.0

    def files(self, asked: ListFiles, root: str) -> Any:
        """One page. ``root``: the node's, where the question names none."""
        give_way()
        root = asked.root or root
        question = (asked.paths, asked.method, root)
        old = time.monotonic() - self._listed_at > KEPT_S
        if not asked.after or question != self._question or old:
            if len(self._memory) > MOST_KNOWN:
                self._memory.clear()  # most of it is of files that are gone
            self._listed = list_files(
                root, asked.paths, asked.method, self._cache, _never, self._memory
            )
            self._question, self._listed_at = question, time.monotonic()
        return self._page(asked, root)

    def _page(self, asked: ListFiles, root: str) -> FileList:
        files = self._listed.files
        start = bisect_right([file.path for file in files], asked.after) if asked.after else 0
        lines: List[str] = []
        room = PAGE_BYTES
        for file in files[start : start + max(1, min(asked.limit, _MOST_LINES))]:
            line = encode_file(file)
            room -= len(line)
            if lines and room < 0:
                break
            lines.append(line)
        end = start + len(lines)
        return FileList(
            tuple(lines),
            files[end - 1].path if lines and end < len(files) else None,
            () if asked.after else self._listed.problems,
            self._node_key,
            _free_bytes(real_root(root)),
        )


def read_manifest(asked: ReadManifest) -> Any:
    """One page of lines, each checked. Raises OSError where the manifest is there and cannot be read."""
    if asked.kind not in KINDS or asked.offset < 0:
        return Failure("bad_request", f"manifest {asked.kind[:40]!r} from {asked.offset}")
    check_name(asked.dataset, "the dataset")
    destination = real_root(asked.destination)
    manifest = Manifest(folder_of(destination, asked.dataset), asked.kind)
    anew = False
    try:
        found = manifest.page(asked.offset, PAGE_BYTES)
    except ManifestReplaced:
        anew = True
        found = manifest.page(0, PAGE_BYTES)
    return ManifestPart(
        found.lines,
        found.offset,
        more=found.more,
        anew=anew,
        exists=found.exists,
        present=os.path.isdir(destination),
        damaged=found.damaged,
    )


def _never() -> bool:
    return False


def _free_bytes(path: str) -> int:
    try:
        found = os.statvfs(path)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
