"""The fields of a start: what stands in them as a request, and what a preset says where they are empty."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, get_args

from console.operations.workers import StartRequest
from console.settings.presets import NodeSecret, Policy
from console.settings.values import duration_s

if TYPE_CHECKING:
    from console.settings.presets import PresetSettings

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Field(NamedTuple):
    name: str
    label: str
    hint: str  # without a preset
    wide: int  # its share of the row


# Rows of fields, as they stand in the dialog.
ROWS = (
    (Field("command", "command", "python train.py --epochs 100", 1),),
    (
        Field("name", "name", "the program's", 1),
        Field("nodes", "nodes", "names or tag:…, by commas", 1),
    ),
    (
        Field("copies", "copies", "1", 1),
        Field("gpus", "GPUs", "0", 1),
        Field("grace", "grace", "10s", 1),
        Field("restart", "restart", "never", 2),
    ),
    (Field("directory", "directory", "where it runs; relative to the node's root", 1),),
    (Field("environment", "environment", "NAME=value OTHER='two words'", 1),),
)
FIELDS = tuple(field for row in ROWS for field in row)


def hint(field: Field, preset: PresetSettings | None) -> str:
    """What holds while the field is empty."""
    if preset is None:
        return field.hint
    said = {
        "command": shlex.join(preset.command),
        "name": preset.name,
        "nodes": preset.nodes,
        "copies": str(preset.copies),
        "gpus": str(preset.gpus),
        "grace": f"{preset.grace:g}s",
        "restart": preset.restart.policy,
        "directory": preset.directory,
        "environment": " ".join(_shown(*item) for item in preset.environment.items()),
    }
    return said[field.name] or field.hint


def request(preset: str, value: Callable[[str], str]) -> StartRequest:
    """What is asked for; an empty field stays as the preset says. Raises ValueError that names the field."""
    command = tuple(_words("command", value("command")))
    if not preset and not command:
        raise ValueError("type a command, or choose a preset with ← →")
    return StartRequest(
        preset=preset,
        command=command,
        name=value("name"),
        nodes=tuple(word.strip() for word in value("nodes").split(",") if word.strip()),
        copies=_number("copies", value("copies")),
        gpus=_number("GPUs", value("gpus")),
        grace_s=_seconds("grace", value("grace")),
        directory=value("directory") or None,
        restart=_policy(value("restart")),
        environment=tuple(_variable(word) for word in _words("environment", value("environment"))),
    )


def _words(name: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ValueError(f"{name}: {str(error).lower()}") from None


def _number(name: str, text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise ValueError(f"{name}: wanted a number, not {text[:40]}")
    return int(text)


def _seconds(name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        return duration_s(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _policy(text: str) -> str | None:
    """The beginning of a word is enough."""
    if not text:
        return None
    fitting: list[str] = [word for word in get_args(Policy) if word.startswith(text)]
    if len(fitting) != 1:
        raise ValueError(f"restart: wanted {', '.join(get_args(Policy))}, not {text[:40]}")
    return fitting[0]


def _variable(word: str) -> tuple[str, str]:
    name, sign, value = word.partition("=")
    if not sign or not _VARIABLE.fullmatch(name):
        raise ValueError(f"environment: wanted NAME=value, not {word[:40]}")
    return name, value


def _shown(name: str, value: str | NodeSecret) -> str:
    if isinstance(value, NodeSecret):
        return f"{name}=(read there)"
    return f"{name}={shlex.quote(value)}"
