"""The kinds of value a setting can have, each with the words that say what was wanted."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StrictStr

from console.errors import SettingsError
from console.settings.selectors import checked_selector

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|min|h|d|w)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kKMGT]i?)?B?")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_LONGEST_NAME = 253  # of a DNS name
_MOST_SECRET_BYTES = 64 * 1024


class Section(BaseModel):
    """A part of the settings: frozen, and unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True
    )


def is_ipv6(text: str) -> bool:
    """True for an IPv6 address without brackets and without a zone."""
    try:
        return ":" in text and "%" not in text and bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def duration_s(value: Any) -> float:
    """Seconds of `60m`, `5s`, `1.5h`, `200ms`, `2d`, or of a plain number of seconds. Raises ValueError."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e12:
        return float(value)
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("wanted a duration such as 5s, 60m, 2h or 1d")
    return float(match[1]) * _UNITS[match[2] or "s"]


def size_bytes(value: Any) -> int:
    """Bytes of `2GiB`, `500 MB`, `1.5T` (Gi is 1024³, G is 1000³), or of a plain number. Raises ValueError."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e18:
        return int(value)
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("wanted a size such as 500MB, 8GiB or 2TiB")
    unit = match[2] or ""
    base = 1024 if unit.endswith("i") else 1000
    return int(float(match[1]) * base ** _POWERS[unit.rstrip("i").upper()])


def checked_name(value: Any) -> str:
    """A name of a node, user or host as the security rules allow it. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("wanted a name (quote it where it looks like a number)")
    if len(value) > _LONGEST_NAME or not (NAME_PATTERN.fullmatch(value) or is_ipv6(value)):
        raise ValueError(
            "wanted a name of letters, digits, '.', '_' and '-' that starts with a letter or digit"
        )
    return value


def checked_user(value: Any) -> str:
    """As `checked_name`, but an underscore may come first, as system accounts have it."""
    if isinstance(value, str) and value.startswith("_"):
        return "_" + checked_name(value[1:])
    return checked_name(value)


def _positive_duration(value: Any) -> float:
    seconds = duration_s(value)
    if seconds <= 0:
        raise ValueError("wanted a duration above zero")
    return seconds


def _flat_text(value: Any) -> Any:
    if isinstance(value, str) and _CONTROL.search(value):
        raise ValueError("wanted text on one line, without control characters")
    return value


def _path_text(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("-"):
        raise ValueError("wanted a path that does not start with '-' (write ./-name)")
    return _flat_text(value)


def _home_path(value: Any) -> Any:
    if isinstance(value, str):
        return Path(_path_text(value)).expanduser()
    if isinstance(value, Path):
        return value.expanduser()
    raise ValueError("wanted a path")


def _environment_name(value: Any) -> Any:
    if not isinstance(value, str) or not _ENVIRONMENT_NAME.fullmatch(value):
        raise ValueError("wanted the name of an environment variable")
    return value


def _list_of_text(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Duration = Annotated[float, BeforeValidator(duration_s)]
PositiveDuration = Annotated[float, BeforeValidator(_positive_duration)]
Size = Annotated[int, BeforeValidator(size_bytes)]  # bytes
Name = Annotated[str, BeforeValidator(checked_name)]
User = Annotated[str, BeforeValidator(checked_user)]
Line = Annotated[StrictStr, BeforeValidator(_flat_text)]
NodePath = Annotated[StrictStr, BeforeValidator(_path_text)]  # a path on a node
HomePath = Annotated[Path, BeforeValidator(_home_path)]  # a path here; ~ is expanded
EnvironmentName = Annotated[str, BeforeValidator(_environment_name)]
Lines = Annotated[tuple[Line, ...], BeforeValidator(_list_of_text)]  # one text is a list of one
NodePaths = Annotated[tuple[NodePath, ...], BeforeValidator(_list_of_text)]
Selector = Annotated[Line, AfterValidator(checked_selector)]


class Secret(Section):
    """A secret by reference: the settings and their repr never hold it."""

    from_env: EnvironmentName | None = None
    from_file: HomePath | None = None

    def resolve(self, environ: Mapping[str, str] = os.environ) -> str:
        """The secret itself, without a final newline. Raises SettingsError that names the reference only."""
        if self.from_env is not None:
            if self.from_env not in environ:
                raise SettingsError(f"the environment variable {self.from_env} is not set")
            return environ[self.from_env]
        if self.from_file is None:
            raise SettingsError("a secret needs from_env or from_file")
        try:
            with open(self.from_file, "rb") as stream:
                return stream.read(_MOST_SECRET_BYTES).decode().rstrip("\r\n")
        except OSError as error:
            raise SettingsError(f"{self.from_file}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{self.from_file}: is not UTF-8 text") from None
