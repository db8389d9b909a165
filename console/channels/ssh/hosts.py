"""The hosts that ssh_config names: what the picker offers."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Iterator
from pathlib import Path

from console.channels.ssh.openssh_config import SYSTEM_CONFIG, default_files
from console.settings.values import checked_name

_DEEPEST_INCLUDE = 16
_PATTERN_SIGNS = frozenset("*?!")


def hosts(config: Path | None = None) -> tuple[str, ...]:
    """Names written out after `Host`, in the files' order, each once; no patterns, included files too.

    What cannot be read or understood is passed over: this is a list to choose from, not a check.
    """
    found: dict[str, None] = {}
    for path in default_files(config):
        found.update(dict.fromkeys(_names(path, 0)))
    return tuple(found)


def _names(path: Path, depth: int) -> Iterator[str]:
    for keyword, values in _lines(path):
        if keyword == "host":
            yield from (name for name in values if _concrete(name))
        elif keyword == "include" and depth < _DEEPEST_INCLUDE:
            for value in values:
                for name in sorted(glob.glob(str(_folder(path) / Path(value).expanduser()))):
                    yield from _names(Path(name), depth + 1)


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            words = shlex.split(line.strip().replace("=", " ", 1), comments=True)
        except ValueError:
            continue
        if len(words) > 1:
            yield words[0].lower(), words[1:]


def _folder(path: Path) -> Path:
    system = SYSTEM_CONFIG.parent
    return system if system in path.parents else Path("~/.ssh").expanduser()


def _concrete(name: str) -> bool:
    try:
        return not _PATTERN_SIGNS & set(name) and bool(checked_name(name))
    except ValueError:
        return False
