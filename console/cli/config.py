"""`quarterdeck config`: whether the settings are right, where they are, and what holds."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from console.cli import exits
from console.cli.connect import settings_of
from console.cli.output import complain, print_json, print_line, print_table
from console.errors import SettingsError
from console.operations.redaction import redact_tree

SCHEMA = 1


def run(options: Namespace) -> int:
    """check, path or show."""
    return {"check": _check, "path": _path, "show": _show}[options.verb](options)


def _check(options: Namespace) -> int:
    try:
        loaded = settings_of(options)
        nodes = len(loaded.specs())
    except SettingsError as error:
        faults = str(error).splitlines()
        if options.json:
            print_json({"schema": SCHEMA, "ok": False, "faults": faults})
        else:
            for fault in faults:
                complain(fault)
        return exits.FAILED
    files = [str(path) for path in loaded.files]
    if options.json:
        print_json({"schema": SCHEMA, "ok": True, "faults": [], "files": files})
    else:
        datasets = len(loaded.settings.datasets)
        print_line(f"good: {nodes} nodes, {datasets} datasets from {len(files)} files")
    return exits.DONE


def _path(options: Namespace) -> int:
    from console.settings.places import places

    loaded = settings_of(options)
    here = places()
    known = {
        "settings": str(loaded.sources.path if loaded.sources else here.settings),
        "state": str(here.state),
        "audit": str(here.audit),
    }
    files = [str(path) for path in loaded.files]
    if options.json:
        print_json({"schema": SCHEMA, **known, "files": files})
        return exits.DONE
    print_table(("what", "where"), list(known.items()))
    for path in files:
        print_line(f"read: {path}")
    if not files:
        print_line("no file is there; the defaults hold")
    return exits.DONE


def _show(options: Namespace) -> int:
    loaded = settings_of(options)
    values = redact_tree(loaded.settings.model_dump(mode="json", by_alias=True))
    if options.json:
        origins = dict(loaded.origins)
        print_json({"schema": SCHEMA, "settings": values, "origins": origins})
        return exits.DONE
    rows = [(key, _words(value), _origin(loaded.origins, key)) for key, value in _leaves(values)]
    print_table(("key", "value", "from"), rows)
    return exits.DONE


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """`ui.theme`, `nodes.h1.user` and the like with their values."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(child, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and value and all(isinstance(c, dict) for c in value):
        for number, child in enumerate(value):
            yield from _leaves(child, f"{prefix}.{child.get('name', number)}")
    elif value is not None:
        yield prefix, value


def _origin(origins: Any, key: str) -> str:
    while key:
        if key in origins:
            return str(origins[key])
        key = key.rpartition(".")[0]
    return "default"


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
