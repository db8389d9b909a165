"""What keys there are: for the nearest known one, and for the names of environment variables."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from console.settings.model import Settings
from console.settings.tree import Key
from console.settings.values import Section


def keys_of(section: type[Section]) -> dict[str, Any]:
    """Each key as it is written, with its type."""
    return {field.alias or name: field.annotation for name, field in section.model_fields.items()}


def section_at(path: tuple[Key, ...]) -> type[Section] | None:
    """The section that `path` leads to, through lists and mappings; None where there is none."""
    found: Any = Settings
    for key in path:
        section = _section(found)
        if section is not None and isinstance(key, str):
            found = keys_of(section).get(key)
        elif not isinstance(key, int):
            return None
    return _section(found)


def nearest(unknown: str, section: type[Section]) -> str | None:
    """The known key that was probably meant."""
    close = difflib.get_close_matches(unknown, keys_of(section), 3, 0.55)
    swapped = [key for key in close if sorted(key) == sorted(unknown)]  # `prot` is port, not root
    return next(iter((*swapped, *close)), None)


def variable_path(rest: str) -> tuple[str, ...] | None:
    """`UI_THEME` or `UI__THEME` to `("ui", "theme")`; None where no key has this name."""
    return _walk(Settings, "_".join(filter(None, rest.lower().split("_"))))


def variables() -> list[str]:
    """The names of all keys as in environment variables, without the prefix."""
    return [name.upper() for name in _names(Settings)]


def takes_list(path: tuple[str, ...]) -> bool:
    """True where the value at `path` is a list."""
    parent = section_at(path[:-1])
    kind = keys_of(parent).get(path[-1]) if parent else None
    return any(get_origin(option) is tuple for option in _options(kind))


def _walk(section: type[Section], words: str) -> tuple[str, ...] | None:
    for key, kind in keys_of(section).items():
        if words == key:
            return (key,)
        inner = None if _is_list(kind) else _section(kind)
        if inner is not None and words.startswith(key + "_"):
            rest = _walk(inner, words.removeprefix(key + "_"))
            if rest is not None:
                return (key, *rest)
    return None


def _names(section: type[Section]) -> list[str]:
    found: list[str] = []
    for key, kind in keys_of(section).items():
        inner = None if _is_list(kind) else _section(kind)
        found.extend([f"{key}_{name}" for name in _names(inner)] if inner else [key])
    return found


def _is_list(kind: Any) -> bool:
    return any(get_origin(option) in (tuple, dict) for option in _options(kind))


def _section(kind: Any) -> type[Section] | None:
    for option in _options(kind):
        if isinstance(option, type) and get_origin(option) is None and issubclass(option, Section):
            return option
        if get_origin(option) in (tuple, dict, Mapping):
            inner = get_args(option)
            return _section(inner[0] if get_origin(option) is tuple else inner[1])
    return None


def _options(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Annotated:
        return _options(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return tuple(option for part in get_args(kind) for option in _options(part))
    return (kind,)
