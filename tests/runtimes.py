"""Runtimes for tests: on real agents of this machine, with a home of their own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from console.runtime import Runtime
from console.settings.load import Loaded, load


def home_environment(home: Path) -> dict[str, str]:
    """An environment in which everything of ours lies below `home`."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("QUARTERDECK_", "XDG_"))}
    return {**kept, "HOME": str(home)}


def settings_file(home: Path, text: str) -> Path:
    """The user's settings file in a home."""
    folder = home / ".config" / "quarterdeck"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "settings.yaml"
    temporary = folder / ".settings"
    temporary.write_text(text)
    temporary.chmod(0o600)
    temporary.replace(file)
    return file


def load_home(home: Path, flags: Mapping[str, Any] | None = None) -> Loaded:
    return load(environ=home_environment(home), flags=flags)


def runtime_of(home: Path, **options: Any) -> Runtime:
    loaded = load_home(home)
    return Runtime(loaded, loaded.specs(), **options)


async def until(holds: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """What `holds` gives once it is true; fails when the time ran out."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not (found := holds()):
        assert asyncio.get_running_loop().time() < deadline, "waited in vain"
        await asyncio.sleep(0.02)
    return found


async def up(runtime: Runtime, node: str = "local") -> None:
    """Waits for a node's first sample."""
    await until(lambda: runtime.store.nodes[node].sample)
