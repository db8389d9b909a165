"""Pydantic's faults as lines `file:line: key: what was wanted`."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from console.errors import SettingsError
from console.settings.schema import nearest, section_at
from console.settings.tree import Entry, Key, name_of, place_of

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "float_type": "a number",
    "tuple_type": "a list",
    "dict_type": "keys and values (key: value)",
    "model_type": "keys and values (key: value)",
    "model_attributes_type": "keys and values (key: value)",
}
_FOUND = {str: "text", bool: "true or false", int: "a number", float: "a number"}


def settings_error(error: ValidationError, tree: Entry) -> SettingsError:
    """All faults, one a line, in the order of the files' lines. No value is ever quoted."""
    lines: list[tuple[str, int, str]] = []
    for fault in error.errors(include_url=False, include_input=False):
        path = _path(fault["loc"])
        place = place_of(tree, path)
        text = f"{place}: {dotted(tree, path)}: {_what(dict(fault), path, tree)}"
        lines.append((place.source, place.line or 0, text))
    return SettingsError("\n".join(text for _, _, text in sorted(lines)))


def dotted(tree: Entry, path: tuple[Key, ...]) -> str:
    """`nodes.gpu-1.port`: things in a list by their name, or by their number from 1."""
    words: list[str] = []
    entry: Entry | None = tree
    for key in path:
        entry = _step(entry, key)
        words.append(((entry and name_of(entry)) or f"#{key + 1}") if isinstance(key, int) else key)
    return ".".join(words)


def _path(loc: tuple[Key, ...]) -> tuple[Key, ...]:
    # A union adds the name of the tried type, and a mapping's key "[key]".
    return tuple(key for key in loc if not (isinstance(key, str) and key.startswith(("<", "["))))


def _what(fault: dict[str, Any], path: tuple[Key, ...], tree: Entry) -> str:
    kind: str = fault["type"]
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        return str(fault["msg"]).replace("Input should be", "wanted")
    if kind in _WANTED:
        return f"wanted {_WANTED[kind]}, found {_found(tree, path)}"
    if kind == "too_short":
        return "wanted at least one"
    if kind.startswith(("greater_than", "less_than")):
        return "wanted " + str(fault["msg"]).removeprefix("Input should be ")
    return str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")


def _unknown(path: tuple[Key, ...]) -> str:
    section = section_at(path[:-1])
    meant = nearest(str(path[-1]), section) if section else None
    return "is not known" + (f"; did you mean {meant}?" if meant else "")


def _found(tree: Entry, path: tuple[Key, ...]) -> str:
    entry: Entry | None = tree
    for key in path:
        entry = _step(entry, key)
    if entry is None:
        return "nothing"
    if isinstance(entry.value, tuple):
        return "a list"
    return _FOUND.get(type(entry.value), "keys and values")


def _step(entry: Entry | None, key: Key) -> Entry | None:
    value = entry.value if entry else None
    if isinstance(value, tuple) and isinstance(key, int) and key < len(value):
        return value[key]
    return value.get(str(key)) if isinstance(value, dict) else None
