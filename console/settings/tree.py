"""Settings before they are typed: values that remember where they were written, and how layers merge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Scalar = str | int | float | bool | None
Key = str | int


@dataclass(frozen=True)
class Place:
    """Where a value was written: a file and its line, or words for an environment variable or a flag."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True)
class Entry:
    """One value. A mapping's entry stands at its key's line."""

    value: Scalar | tuple[Entry, ...] | Mapping[str, Entry]
    place: Place


def plain(entry: Entry) -> Any:
    """The value without its places."""
    if isinstance(entry.value, Mapping):
        return {key: plain(child) for key, child in entry.value.items()}
    if isinstance(entry.value, tuple):
        return [plain(child) for child in entry.value]
    return entry.value


def merge(lower: Entry, upper: Entry) -> Entry:
    """`upper` over `lower`: mappings key by key, lists of named things by `name`, all else replaced.

    A key without a value (`nodes:`) is as if it were not written.
    """
    if upper.value is None:
        return lower
    if isinstance(lower.value, Mapping) and isinstance(upper.value, Mapping):
        merged = dict(lower.value)
        for key, child in upper.value.items():
            merged[key] = merge(merged[key], child) if key in merged else child
        return replace(upper, value=merged)
    if _named(lower) and _named(upper):
        return replace(upper, value=_merge_by_name(lower.value, upper.value))
    return upper


def own_first(tree: Entry, shipped: Entry) -> Entry:
    """`tree` with what came with the program behind what a person named, in each list of named things."""
    if not isinstance(tree.value, Mapping) or not isinstance(shipped.value, Mapping):
        return tree
    found = dict(tree.value)
    for key, lower in shipped.value.items():
        entry = found[key]
        if not isinstance(lower.value, tuple) or not isinstance(entry.value, tuple):
            continue
        if _named(lower) and _named(entry):
            names = {name_of(child) for child in lower.value}
            ordered = sorted(entry.value, key=lambda child: name_of(child) in names)
            found[key] = replace(entry, value=tuple(ordered))
    return replace(tree, value=found)


def without_empty(entry: Entry) -> Entry:
    """`entry` with every key that has no value left out."""
    if isinstance(entry.value, Mapping):
        kept = {k: without_empty(v) for k, v in entry.value.items() if v.value is not None}
        return replace(entry, value=kept)
    if isinstance(entry.value, tuple):
        return replace(entry, value=tuple(without_empty(child) for child in entry.value))
    return entry


def placed(entry: Entry, place: Place) -> Entry:
    """`entry` and all in it, written at `place`."""
    if isinstance(entry.value, Mapping):
        return Entry({key: placed(child, place) for key, child in entry.value.items()}, place)
    if isinstance(entry.value, tuple):
        return Entry(tuple(placed(child, place) for child in entry.value), place)
    return Entry(entry.value, place)


def place_of(entry: Entry, path: tuple[Key, ...]) -> Place:
    """Where the value at `path` was written, or the nearest thing around it."""
    for key in path:
        child = _child(entry, key)
        if child is None:
            break
        entry = child
    return entry.place


def leaves(entry: Entry, path: str = "") -> Iterator[tuple[str, Place]]:
    """Each value's dotted key (`nodes.gpu-1.port`, `notify.command`) with its place."""
    if isinstance(entry.value, Mapping):
        for key, child in entry.value.items():
            yield from leaves(child, f"{path}.{key}" if path else key)
    elif isinstance(entry.value, tuple) and entry.value and _named(entry):
        for child in entry.value:
            yield from leaves(child, f"{path}.{name_of(child)}")
    else:
        yield path, entry.place


def name_of(entry: Entry) -> str | None:
    """The `name` of a mapping that has one."""
    found = entry.value.get("name") if isinstance(entry.value, Mapping) else None
    return found.value if found is not None and isinstance(found.value, str) else None


def _named(entry: Entry) -> bool:
    return isinstance(entry.value, tuple) and all(name_of(child) for child in entry.value)


def _merge_by_name(lower: Any, upper: Any) -> tuple[Entry, ...]:
    merged = {name_of(child): child for child in lower}
    for child in upper:
        name = name_of(child)
        merged[name] = merge(merged[name], child) if name in merged else child
    return tuple(merged.values())


def _child(entry: Entry, key: Key) -> Entry | None:
    if isinstance(entry.value, Mapping):
        return entry.value.get(str(key))
    if isinstance(entry.value, tuple) and isinstance(key, int) and key < len(entry.value):
        return entry.value[key]
    return None
