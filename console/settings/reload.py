"""Hot reload: tells of good and of bad changes of the settings' files; what was good stays until better comes.

Events of the file system wake it at once; a look at names, inodes and times each second finds what no
event told of (a network file system, a folder made later, a link that now leads elsewhere).
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from console.errors import QuarterdeckError, SettingsError
from console.settings.fingerprint import Fingerprint, fingerprint, look
from console.settings.layers import files_below
from console.settings.load import Loaded, load_from

LOOK_EVERY_MS = 1000
STEP_MS = 50
SETTLED_S = 0.2  # nothing changed for so long: an editor writes in several steps


async def watch(
    loaded: Loaded,
    on_good: Callable[[Loaded], Awaitable[None]],
    on_bad: Callable[[str], None],
) -> None:
    """Runs until cancelled. `on_good` gets settings that differ from the last good ones, or that follow a
    fault; `on_bad` gets the faults in words, once for each different text."""
    if loaded.sources is None:
        return
    path = loaded.sources.path
    seen = loaded.fingerprint  # of before they were read: what changed since then is found
    fault = ""
    async for _ in _wakes(path):
        if fingerprint(path) == seen:
            continue
        seen = await _settled(path)  # of before the reading, here too
        try:
            found = await asyncio.to_thread(_load_again, loaded)
        except QuarterdeckError as error:
            if str(error) != fault:
                fault = str(error)
                on_bad(fault)
            continue
        if found.settings != loaded.settings or fault:
            await on_good(found)
        loaded, fault = found, ""


async def _settled(path: Path) -> Fingerprint:
    """The fingerprint when nothing has changed for a moment: a half-written list may look like a whole one."""
    before = fingerprint(path)
    while True:
        await asyncio.sleep(SETTLED_S)
        now = fingerprint(path)
        if now == before:
            return now
        before = now


def _load_again(loaded: Loaded) -> Loaded:
    """Raises SettingsError, for a file that was there and is gone or empty too, and UsageError."""
    assert loaded.sources is not None
    faults = [f"{file}: {what}" for file in loaded.files if (what := _loss(file))]
    if faults:
        raise SettingsError("\n".join(faults))
    found = load_from(loaded.sources)
    found.specs()  # a host of the command line may not fit the new settings
    return found


def _loss(file: Path) -> str:
    """Why a file that was read before must not count as an empty one now."""
    try:
        return "is empty" if os.stat(file).st_size == 0 else ""
    except FileNotFoundError:
        return "is gone; start the console again to go on without it"
    except OSError as error:
        return str(error.strerror)


async def _wakes(path: Path) -> AsyncIterator[None]:
    """Comes back whenever something near `path` changed, and each second."""
    watchfiles = await asyncio.to_thread(importlib.import_module, "watchfiles")
    while True:
        folders = _folders(path)
        try:
            if folders:
                events = watchfiles.awatch(
                    *(folder[0] for folder in folders),
                    watch_filter=None,
                    debounce=4 * STEP_MS,
                    step=STEP_MS,
                    rust_timeout=LOOK_EVERY_MS,
                    yield_on_timeout=True,
                    recursive=False,
                )
                async with aclosing(events):
                    async for _ in events:
                        yield
                        if _folders(path) != folders:
                            break
                continue
        except (OSError, RuntimeError):
            pass  # the folder went between look and watch, or no watch is left: the looks remain
        await asyncio.sleep(LOOK_EVERY_MS / 1000)
        yield


def _folders(path: Path) -> list[tuple[str, int]]:
    """The folders whose changes matter, with their inodes: of the path, and of where links lead."""
    found = {path if path.is_dir() else path.parent, Path(os.path.realpath(path)).parent}
    found.update(Path(os.path.realpath(file)).parent for file in files_below(path))
    looks = [(str(folder), look(folder, True)[1]) for folder in sorted(found)]
    return [(folder, inode) for folder, inode in looks if inode and os.path.isdir(folder)]
