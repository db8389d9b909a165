"""Adding and removing nodes in a settings file: only the lines of that node change, all else stays as written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from console.errors import SettingsError
from console.fleet.model import NodeSpec
from console.settings.hosts import parse_host
from console.settings.own_file import OwnFile, with_newline
from console.settings.tree import Entry, name_of, plain
from console.settings.yaml_source import parse, scalar

_BARE = re.compile(r"[A-Za-z0-9_~/.][A-Za-z0-9_~/.@+-]*")
_HEADER = "# Written by `quarterdeck nodes add`; you may edit it.\n"


class NodesFile:
    """The file at `path`: 0600 in a 0700 folder, replaced whole at each change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = OwnFile(path)

    def add(self, spec: NodeSpec) -> None:
        """Writes a node down. Raises SettingsError where its name is there already or the file is odd."""
        with self._file.locked():
            text = self._file.text()
            nodes = self._nodes(text)
            if any(_name(node) == spec.name for node in nodes or ()):
                raise SettingsError(f"{self.path}: nodes.{spec.name}: is there already")
            line = f"  - {node_line(spec)}\n"
            if nodes is None:
                after = with_newline(text or _HEADER) + "nodes:\n" + line
            else:
                after = self._inserted(text, line)
            self._replace(after, [*map(plain, nodes or ()), node_values(spec)])

    def remove(self, name: str) -> None:
        """Takes a node out. Raises SettingsError where it is not there or the file is odd."""
        with self._file.locked():
            text = self._file.text()
            nodes = self._nodes(text) or ()
            place = next((i for i, node in enumerate(nodes) if _name(node) == name), None)
            if place is None:
                raise SettingsError(f"{self.path}: nodes.{name}: is not there")
            lines = text.splitlines(keepends=True)
            start = (nodes[place].place.line or 1) - 1
            if not _is_item(lines[start]):
                raise self._odd()
            end = _end_of_item(lines, start)
            rest = [plain(node) for i, node in enumerate(nodes) if i != place]
            self._replace("".join(lines[:start] + lines[end:]), rest)

    def _inserted(self, text: str, line: str) -> str:
        lines = with_newline(text).splitlines(keepends=True)
        at = next((i for i, each in enumerate(lines) if each.startswith("nodes:")), None)
        if at is None:
            raise self._odd()
        value = lines[at].removeprefix("nodes:").split("#")[0].strip()
        if value in ("[]", "null", "~"):
            lines[at] = lines[at].replace(value, "", 1).rstrip() + "\n"
        last = at
        for i in range(at + 1, len(lines)):
            if lines[i].startswith((" ", "-")) and lines[i].strip():
                last = i
            elif lines[i].strip() and not lines[i].startswith("#"):
                break
        indent = next((_indent(each) for each in lines[at + 1 : last + 1] if _is_item(each)), "  ")
        return "".join([*lines[: last + 1], indent + line.lstrip(), *lines[last + 1 :]])

    # ------------------------------------------------------------ the file

    def _nodes(self, text: str) -> tuple[Entry, ...] | None:
        """The nodes as written; None where the key is not there."""
        root = parse(text.encode(), str(self.path))
        assert isinstance(root.value, dict)
        entry = root.value.get("nodes")
        if entry is None:
            return None
        return entry.value if isinstance(entry.value, tuple) else ()

    def _replace(self, text: str, wanted: list[Any]) -> None:
        """Writes `text`, after a look that it says what is meant: the nodes `wanted`, all else unchanged."""
        found = self._file.values(text)
        before = self._file.values(self._file.text())
        if found is None or (found.pop("nodes", None) or []) != wanted or _others(before) != found:
            raise self._odd()
        self._file.write(text)

    def _odd(self) -> SettingsError:
        return SettingsError(
            f"{self.path}: its list of nodes is not written one node a line; edit it by hand"
        )


def _name(entry: Entry) -> str | None:
    return parse_host(entry.value).name if isinstance(entry.value, str) else name_of(entry)


def node_values(spec: NodeSpec) -> dict[str, Any]:
    """A node as the settings write it: what is not given is left out."""
    values: dict[str, Any] = {
        "name": spec.name,
        "address": spec.address if spec.address != spec.name else None,
        "user": spec.user,
        "port": spec.port,
        "identity": spec.identity,
        "jump": spec.jump,
        "tags": list(spec.tags),
        "root": spec.root,
        "environment": dict(spec.environment),
        "disks": list(spec.disks),
    }
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def node_line(spec: NodeSpec) -> str:
    """`{name: h1, address: 10.77.0.3, tags: [selfplay]}`."""
    return _flow(node_values(spec))


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and _BARE.fullmatch(value) and scalar(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _end_of_item(lines: list[str], start: int) -> int:
    """The line after the list item that begins at `start`: deeper lines belong to it."""
    indent = len(_indent(lines[start]))
    end = start + 1
    while end < len(lines) and lines[end].strip() and len(_indent(lines[end])) > indent:
        end += 1
    return end


def _is_item(line: str) -> bool:
    return line.lstrip().startswith("- ")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" "))]


def _others(values: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (values or {}).items() if key != "nodes"}
