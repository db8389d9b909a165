"""The layers of the settings, each as a tree: shipped defaults, files, environment, command line."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from console.errors import SettingsError, UsageError
from console.fleet.model import NodeSpec, Transport
from console.settings import ownership, schema
from console.settings.hosts import parse_host
from console.settings.tree import Entry, Place, merge, name_of, without_empty
from console.settings.yaml_source import MAX_BYTES, parse, parse_value

PREFIX = "QUARTERDECK_"
NOT_SETTINGS = ("QUARTERDECK_CONFIG", "QUARTERDECK_TEST_", "QUARTERDECK_STATE")
EMPTY = Entry({}, Place("default"))


def defaults_folder() -> Path:
    """Beside the code in a wheel; the repository's `config/` in a checkout."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "defaults"
    return shipped if shipped.is_dir() else package.parent / "config"


@lru_cache(maxsize=1)
def defaults() -> Entry:
    """What ships with the program."""
    tree = EMPTY
    for path in settings_files(defaults_folder()):
        tree = merge(tree, _tree(parse(path.read_bytes(), str(path))))
    return tree


def settings_files(path: Path) -> tuple[Path, ...]:
    """`path` itself, or every `*.yaml` and `*.yml` of the folder, by name. Raises OSError."""
    if not stat.S_ISDIR(os.stat(path).st_mode):
        return (path,)
    names = (n for n in os.listdir(path) if n.endswith((".yaml", ".yml")) and not n.startswith("."))
    return tuple(path / name for name in sorted(names))


def file_layer(path: Path) -> tuple[Entry, tuple[Path, ...]]:
    """The tree of a file or of a folder of files, and the files. Raises SettingsError, all faults at once."""
    try:
        ownership.check_folders(path)
        files = settings_files(path)
        if os.path.isdir(path):
            ownership.check(os.stat(path), path)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    faults: list[str] = []
    tree = EMPTY
    for file in files:
        try:
            tree = merge(tree, read_file(file))
        except SettingsError as error:
            faults.append(str(error))
    if faults:
        raise SettingsError("\n".join(faults))
    return tree, files


def read_file(path: Path) -> Entry:
    """One file's tree. Raises SettingsError."""
    try:
        ownership.check_folders(path)
        # O_NONBLOCK: a FIFO in the folder must not stop the console.
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SettingsError(f"{path}: is not a regular file")
            ownership.check(status, path)
            return _tree(parse(stream.read(MAX_BYTES + 1), str(path)))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None


def environment_layer(environ: Mapping[str, str]) -> Entry:
    """`QUARTERDECK_UI_THEME=…` and the like. Raises SettingsError for a name that is no key."""
    tree = EMPTY
    for name in sorted(environ):
        if name.startswith(PREFIX) and not name.startswith(NOT_SETTINGS):
            tree = merge(tree, _variable(name, environ[name]))
    return _tree(tree)


def flag_layer(flags: Mapping[str, Any]) -> Entry:
    """Dotted keys of the command line; None means not given. Raises SettingsError."""
    tree = EMPTY
    place = Place("command line")
    for key, value in flags.items():
        if value is not None:
            tree = merge(tree, _nested(tuple(key.split(".")), _entry(value, place)))
    return _tree(tree)


def _variable(name: str, text: str) -> Entry:
    source = f"environment {name}"
    path = schema.variable_path(name.removeprefix(PREFIX))
    if path is None:
        known = difflib.get_close_matches(name.removeprefix(PREFIX), schema.variables(), 1, 0.55)
        meant = f"; did you mean {PREFIX}{known[0]}?" if known else ""
        raise SettingsError(f"{source}: is not known{meant}")
    if schema.takes_list(path) and not text.lstrip().startswith("["):
        words = (Entry(word.strip(), Place(source)) for word in text.split(",") if word.strip())
        return _nested(path, Entry(tuple(words), Place(source)))
    return _nested(path, parse_value(text, source))


def _nested(path: tuple[str, ...], entry: Entry) -> Entry:
    for key in reversed(path):
        entry = Entry({key: entry}, entry.place)
    return entry


def _entry(value: Any, place: Place) -> Entry:
    if isinstance(value, Mapping):
        return Entry({str(key): _entry(child, place) for key, child in value.items()}, place)
    if isinstance(value, (list, tuple)):
        return Entry(tuple(_entry(child, place) for child in value), place)
    return Entry(str(value) if isinstance(value, Path) else value, place)


def _tree(entry: Entry) -> Entry:
    """A layer ready to merge: hosts in short form spelled out, no name twice in a list."""
    entry = without_empty(entry)
    assert isinstance(entry.value, Mapping)
    found = dict(entry.value)
    for key in ("nodes", "datasets", "presets", "jobs"):
        if key in found and isinstance(found[key].value, tuple):
            found[key] = _checked_list(key, found[key])
    return replace(entry, value=found)


def _checked_list(key: str, entry: Entry) -> Entry:
    assert isinstance(entry.value, tuple)
    items = tuple(_node(child) if key == "nodes" else child for child in entry.value)
    first: dict[str, Place] = {}
    for item in items:
        name = name_of(item)
        if name is not None and name in first:
            raise SettingsError(
                f"{item.place}: {key}.{name}: is here twice; first at {first[name]}"
            )
        if name is not None:
            first[name] = item.place
    return replace(entry, value=items)


def _node(entry: Entry) -> Entry:
    if not isinstance(entry.value, str):
        return entry
    try:
        return _node_entry(parse_host(entry.value), entry.place)
    except UsageError as error:
        raise SettingsError(f"{entry.place}: nodes: {error}") from None


def _node_entry(spec: NodeSpec, place: Place) -> Entry:
    given = {"name": spec.name, "user": spec.user, "port": spec.port}
    if spec.transport is not Transport.LOCAL:
        given["address"] = spec.address
    return _entry({key: value for key, value in given.items() if value is not None}, place)


def files_below(path: Path) -> Iterator[Path]:
    """The files of a layer now, none where it is not there."""
    try:
        yield from settings_files(path)
    except OSError:
        return
