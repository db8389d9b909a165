"""`quarterdeck mode`: how trainings work with their data."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from console.cli import exits
from console.cli.connect import refuse_demo, settings_of
from console.cli.output import print_json, print_line
from console.errors import Refused, SettingsError

if TYPE_CHECKING:
    from console.settings.load import Loaded

SCHEMA = 1
_WORDS = {
    "standard": "data are read where they lie",
    "wsl_sync": "data are mirrored into WSL, trained on there, and only the results come back",
    "native_sync": "data are mirrored to a fast disk, trained on there, and only the results come back",
}


def run(options: Namespace) -> int:
    """show or set."""
    refuse_demo(options, "mode")
    if options.verb == "set":
        _set(options)
    _show(options, settings_of(options))
    return exits.DONE


def _show(options: Namespace, loaded: Loaded) -> None:
    training = loaded.settings.training
    origin = loaded.origins.get("training.mode", "default")
    if options.json:
        print_json({"schema": SCHEMA, **training.model_dump(mode="json"), "origin": origin})
        return
    print_line(f"{training.mode}: {_WORDS[training.mode]}", "bold")
    if training.mode == "wsl_sync":
        print_line(f"  {training.wsl_path} in {training.wsl_distro}")
    if training.mode == "native_sync":
        print_line(f"  {training.native_path}")
    print_line(f"  from {origin}")


def _set(options: Namespace) -> None:
    """Into the file that says it now, else into settings.yaml. Raises Refused, SettingsError."""
    from console.operations.audit import AuditLog
    from console.settings.mode_file import write_mode
    from console.settings.places import places

    loaded = settings_of(options)
    if loaded.settings.read_only:
        raise Refused("mode set: this console is read-only; nothing was done")
    file = _file_of(loaded)
    audit = AuditLog(places().audit, _now, lambda text: None)
    entry = audit.asked("", "mode.set", [options.mode, str(file)])
    try:
        write_mode(file, options.mode)
    except SettingsError as error:
        audit.ended(entry, f"failed: {error}")
        raise
    audit.ended(entry, "done")


def _file_of(loaded: Loaded) -> Path:
    origin = loaded.origins.get("training.mode", "")
    if origin.startswith("environment"):
        raise SettingsError(f"training.mode comes from {origin}, which is stronger than any file")
    said = origin.rpartition(":")[0]
    own = next((file for file in loaded.files if str(file) == said), None)
    if own is not None:
        return own
    assert loaded.sources is not None
    path = loaded.sources.path
    return path if path.is_file() else path / "settings.yaml"


def _now() -> float:
    import time

    return time.time()
