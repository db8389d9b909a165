"""The whole log of a source, copied to a file here as it was written: no colour is taken out, no byte changed."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import BinaryIO

from console.ui.logs.feed import LogFeed, LogSource, reading
from workers.protocol import STREAM_NAMES, LogChunk, OpenTail


async def save_raw(
    feed: LogFeed, source: LogSource, streams: str, directory: Path, number: int
) -> dict[Path, int]:
    """Writes `log-DATE-NUMBER.out` and `.err`, mode 0600, attempts one after another; gives their bytes.

    Nothing a node says becomes part of a name. Raises OSError, QuarterdeckError.
    """
    base = directory / f"{time.strftime('log-%Y%m%d-%H%M%S')}-{number}"
    files: dict[int, BinaryIO] = {}
    sizes: dict[Path, int] = {}
    ask = OpenTail(
        run_id=source.run_id, path=source.path, streams=streams, follow=False, back_bytes=-1
    )
    try:
        async with reading(feed.tail(source.node, ask)) as items:
            async for item in items:
                if not isinstance(item, LogChunk):
                    continue
                path = base.with_suffix(f".{STREAM_NAMES[item.which]}")
                if item.which not in files:
                    files[item.which] = _created(path)
                sizes[path] = sizes.get(path, 0) + len(item.data)
                await asyncio.to_thread(files[item.which].write, item.data)
    finally:
        for file in files.values():
            file.close()
    return sizes


def _created(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o600), "wb")
