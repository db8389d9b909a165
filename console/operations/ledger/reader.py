"""What the ledger asks of the nodes: the files of a dataset, and the manifests of a destination, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from console.errors import RequestFailed
from console.operations.ledger.destinations import Destination
from console.operations.ledger.manifests import Manifests
from workers.ledger.shapes import Damaged, DataFile, decode, decode_file
from workers.protocol import DatasetWatch, FileList, ListFiles, ManifestPart, ReadManifest

PAGE_S = 60.0  # for one page: the first of a cold dataset is counted meanwhile
MOST_PAGES = 1000  # of a MiB: what a node may have us hold
_ABSENT = ": not there"  # as an agent says it of a folder

Ask = Callable[[str, Any, float], Awaitable[Any]]


@dataclass(frozen=True)
class Listing:
    """The files of one dataset on one node. `problem`: why these are not all; `fault`: why there are none."""

    files: tuple[DataFile, ...] = ()
    node_key: str = ""
    problem: str | None = None
    fault: str = ""
    absent: bool = False  # no folder of it is there, and that is the only problem


async def list_files(ask: Ask, node: str, root: str, watch: DatasetWatch) -> Listing:
    """All files of a dataset on a node. Raises QuarterdeckError."""
    files: list[DataFile] = []
    problems: list[str] = []
    key, after = "", ""
    for _ in range(MOST_PAGES):
        page: FileList = await ask(node, ListFiles(watch.paths, watch.method, root, after), PAGE_S)
        files += await asyncio.to_thread(_files, page, after)
        problems += page.problems
        key = key or page.node_key
        if page.node_key != key:
            raise RequestFailed("failed", "another machine answers under this name now")
        if page.next is None:
            absent = not files and all(problem.endswith(_ABSENT) for problem in problems)
            return Listing(tuple(files), key, _said(problems), absent=absent)
        after = page.next
    raise RequestFailed("failed", f"more than {MOST_PAGES} pages of files")


async def read_manifests(
    ask: Ask, place: Destination, dataset: str, manifests: Manifests, known: bool
) -> None:
    """Takes in what was appended since the last look. Raises QuarterdeckError.

    `known`: something of this dataset was there before, so that its absence is no empty beginning.
    """
    for kind in tuple(manifests.offsets):
        for _ in range(MOST_PAGES):
            ask_for = ReadManifest(place.path, dataset, kind, manifests.offsets[kind])
            part: ManifestPart = await ask(place.node, ask_for, PAGE_S)
            if not part.present and (known or manifests.offsets[kind]):
                raise RequestFailed("gone", f"{place.path} is not there any more on {place.node}")
            if part.anew:
                manifests.forget(kind)
            entries = await asyncio.to_thread(_entries, part, kind)
            if part.more and part.offset <= manifests.offsets[kind]:
                raise RequestFailed("failed", f"{kind} does not go on behind byte {part.offset}")
            manifests.add(kind, entries)
            manifests.offsets[kind] = part.offset
            if not part.more:
                break
        else:
            raise RequestFailed("failed", f"more than {MOST_PAGES} pages of {kind}")
    manifests.thin_out()


def _files(page: FileList, after: str) -> list[DataFile]:
    try:
        found = [decode_file(line) for line in page.files]
    except ValueError as error:
        raise RequestFailed("failed", f"a file that cannot be: {error}") from None
    paths = [after, *(file.path for file in found)]
    if any(later <= earlier for earlier, later in pairwise(paths)):
        raise RequestFailed("failed", "its files come in no order, so that some may be missing")
    return found


def _entries(part: ManifestPart, kind: str) -> list[Any]:
    try:
        return [decode(kind, line.encode()) for line in part.lines]
    except Damaged as error:
        raise RequestFailed(
            "failed", f"a line of {kind} is not what was written: {error}"
        ) from None


def _said(problems: list[str]) -> str | None:
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return "; ".join(problems[:3]) + more if problems else None
