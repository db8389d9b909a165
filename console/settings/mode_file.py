"""Writing the mode of training to a settings file: only that line changes, all else stays as written."""

from __future__ import annotations

import copy
import re
from pathlib import Path

from console.errors import SettingsError
from console.settings.own_file import OwnFile, with_newline

_HEADER = "# Written by `quarterdeck mode set`; you may edit it.\n"
_SECTION = re.compile(r"training:\s*(#.*)?\n?")
_MODE = re.compile(r"(?P<before>\s+mode:\s*)(?P<value>[^\s#]+)(?P<after>\s*(?:#.*)?\n?)")


def write_mode(path: Path, mode: str) -> None:
    """Makes `training.mode` of the file say `mode`. Raises SettingsError where it is written in an odd way."""
    file = OwnFile(path)
    with file.locked():
        text = file.text()
        after = _changed(text, mode)
        before, found = file.values(text), file.values(after)
        wanted = copy.deepcopy(before) or {}
        wanted["training"] = {**(wanted.get("training") or {}), "mode": mode}
        if found != wanted:
            raise SettingsError(
                f"{path}: training.mode is not written on a line of its own; edit it by hand"
            )
        file.write(after)


def _changed(text: str, mode: str) -> str:
    lines = with_newline(text).splitlines(keepends=True)
    at = next((i for i, line in enumerate(lines) if _SECTION.fullmatch(line)), None)
    if at is None:
        return (with_newline(text) or _HEADER) + f"training:\n  mode: {mode}\n"
    for i in range(at + 1, len(lines)):
        if lines[i].strip() and not lines[i].startswith((" ", "#")):
            break
        if match := _MODE.fullmatch(lines[i]):
            lines[i] = f"{match['before']}{mode}{match['after']}"
            return "".join(lines)
    indent = next((_indent(line) for line in lines[at + 1 :] if line.startswith(" ")), "  ")
    return "".join([*lines[: at + 1], f"{indent}mode: {mode}\n", *lines[at + 1 :]])


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" "))]
